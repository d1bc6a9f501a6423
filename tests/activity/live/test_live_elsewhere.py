"""A request that one process serves is told to the pages of another, and only to those of its organization."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from gateway.changes import GROUP
from tests.browser.people import Person, new_person
from tests.support.processes import Site
from tests.support.web_processes import elsewhere, server, wait_until_it_listens

__all__ = ["elsewhere", "server"]

pytestmark = [pytest.mark.browser, pytest.mark.postgresql]  # it starts the real processes


@contextmanager
def watching(site: Site, person: Person) -> Iterator[ClientConnection]:
    url = site.url.replace("http", "ws") + "/ws/activity"
    headers = {"Cookie": f"sessionid={person.session}"}
    with connect(url, origin=site.url, additional_headers=headers, proxy=None) as page:
        assert json.loads(page.recv(timeout=30))["type"] == "ready"
        yield page


def heard_until_pong(page: ClientConnection) -> list[str]:
    page.send('{"type":"ping"}')
    heard = []
    while (kind := json.loads(page.recv(timeout=30))["type"]) != "pong":
        heard.append(kind)
    return heard


def test_a_request_to_another_process_is_told_to_the_pages_of_its_organization(server: Site, elsewhere: str):
    person, other = new_person(server), new_person(server)
    with watching(server, person) as page, watching(server, other) as stranger:
        wait_until_it_listens(server, GROUP)
        body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 5}
        headers = {"Authorization": f"Bearer {person.key}"}
        reply = requests.post(f"{elsewhere}/api/v1/chat/completions", headers=headers, json=body, timeout=60)
        assert reply.status_code == 200, reply.text
        assert json.loads(page.recv(timeout=30)) == {"type": "changed"}
        assert heard_until_pong(stranger) == []


def test_a_member_who_is_removed_by_another_process_hears_no_more(server: Site):
    person = new_person(server)
    with watching(server, person) as page:
        members = f"Membership.objects.filter(user__email={person.email!r})"
        server.manage("shell", "--no-imports", "-c", f"from accounts.models import Membership\n{members}.delete()")
        with pytest.raises(ConnectionClosed) as closed:
            while True:
                page.recv(timeout=30)
        assert closed.value.rcvd.code == 4401
