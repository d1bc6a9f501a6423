"""A session that ends in another process: its sockets end, wherever they are open."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from accounts.sockets.sign_out import GROUP
from tests.browser.people import Person, new_person
from tests.support.processes import Site, wait_until
from tests.support.web_processes import elsewhere, server, wait_until_it_listens

__all__ = ["elsewhere", "server"]

pytestmark = [pytest.mark.browser, pytest.mark.postgresql]  # it starts the real processes


def sign_out(person: Person, server: Site, elsewhere: str) -> None:
    with httpx.Client(
        base_url=elsewhere, cookies={"sessionid": person.session}, trust_env=False, timeout=60
    ) as browser:
        browser.get("/account/logout/").raise_for_status()
        body = {"csrfmiddlewaretoken": browser.cookies["csrftoken"]}
        assert browser.post("/account/logout/", data=body).status_code == 302


def delete_the_session(person: Person, server: Site, elsewhere: str) -> None:
    found = f"Session.objects.filter(pk={person.session!r})"
    shell(server, f"from django.contrib.sessions.models import Session\n{found}.delete()")


def set_another_password(person: Person, server: Site, elsewhere: str) -> None:
    user = f"from accounts.models import User\nuser = User.objects.get(email={person.email!r})"
    shell(server, f"{user}\nuser.set_password('another long sentence')\nuser.save()")


def shell(server: Site, program: str) -> None:
    server.manage("shell", "--no-imports", "-c", program)


@contextmanager
def answering(server: Site, person: Person) -> Iterator[ClientConnection]:
    """A socket on the first process, in the middle of an answer."""
    url = server.url.replace("http", "ws") + "/ws/chat"
    headers = {"Cookie": f"sessionid={person.session}", "X-Sandbox-Tokens": "2000", "X-Sandbox-Delay": "0.02"}
    with connect(url, origin=server.url, additional_headers=headers, proxy=None) as page:
        body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Tell me everything"}]}
        page.send(json.dumps({"type": "ask", "id": "a1", "body": body}))
        while json.loads(page.recv(timeout=30))["type"] != "delta":
            pass
        yield page


@pytest.mark.parametrize("end", [sign_out, delete_the_session, set_another_password])
def test_the_end_of_a_session_ends_its_sockets_in_every_process_and_bills_what_was_said(
    server: Site, elsewhere: str, end: Callable
):
    person, other = new_person(server), new_person(server)
    with answering(server, person) as page, answering(server, other) as stays:
        wait_until_it_listens(server, GROUP)
        end(person, server, elsewhere)
        kinds = []
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                kinds.append(json.loads(page.recv(timeout=30))["type"])
        assert closed.value.rcvd.code == 4401
        assert kinds[-2:] == ["refused", "ended"]
        stays.send('{"type":"ping"}')
        while json.loads(stays.recv(timeout=30))["type"] != "pong":
            pass
    query = f"SELECT cancelled, completion_tokens, cost FROM gateway_generation g WHERE g.account_id = {person.account}"
    wait_until(lambda: server.rows(query), "the bill")
    ((cancelled, tokens, cost),) = server.rows(query)
    assert cancelled
    assert 0 < tokens < 2000
    assert cost > 0
