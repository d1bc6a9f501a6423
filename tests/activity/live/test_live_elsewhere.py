"""A request that one process serves is told to the pages of another, and only to those of its organization."""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis
import requests
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from gateway.changes import GROUP
from scripts.serve import free_port
from tests.browser.fixtures import stores
from tests.browser.people import Person, new_person
from tests.support.processes import Process, Site, wait_until

pytestmark = [pytest.mark.browser, pytest.mark.postgresql]  # it starts the real processes


#: A server that never looks at the sessions by itself: its sockets end only by an announcement.
PROGRAM = """
import django
django.setup()
from accounts.sockets import sign_out
sign_out.LOOK_SECONDS = sign_out.LOOK_SECONDS_ALONE = 3600
import uvicorn
uvicorn.run("openrouter_site.asgi:application", port=%s, log_level="warning")
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose pages are served by one process."""
    folder = tmp_path_factory.mktemp("two-processes")
    given = stores("production-like", second=True)
    with Site(folder, **given, processes=("providers",), SANDBOX_PROVIDERS_SPEED="1") as site:
        start(site, "web", site.env["PORT"])
        yield site


@pytest.fixture(scope="module")
def elsewhere(server: Site) -> str:
    """The URL of another process of the same site."""
    return start(server, "web-2", str(free_port()))


def start(site: Site, name: str, port: str) -> str:
    """Start a process, which the site stops; return its URL."""
    env = site.env | {"DJANGO_SETTINGS_MODULE": "openrouter_site.settings"}
    command = shlex.join(["python", "-c", PROGRAM % port])
    process = site.processes[name] = Process(name, f"exec {command}", env, site.folder)
    url = f"http://127.0.0.1:{port}"
    process.wait_until_it_responds(url)
    return url


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
        layer = redis.Redis.from_url(server.env["REDIS_URL"])
        wait_until(lambda: layer.zcard(f"asgi:group:{GROUP}"), "the process with the pages to listen")
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
