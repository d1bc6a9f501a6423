"""Two web processes of one site, on PostgreSQL and Redis: what one does, the pages of the other learn by announcement.

Import the fixtures `server` and `elsewhere` into a module of tests.
"""

import shlex
from collections.abc import Iterator

import pytest
import redis

from scripts.serve import free_port
from tests.browser.fixtures import stores
from tests.support.processes import Process, Site, wait_until

__all__ = ["elsewhere", "server", "wait_until_it_listens"]

#: A process that never looks at the sessions by itself: its sockets end only by an announcement.
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
    """The site, whose URL is that of its first web process."""
    folder = tmp_path_factory.mktemp("two-processes")
    given = stores("production-like", second=True)
    with Site(folder, **given, processes=("providers",), SANDBOX_PROVIDERS_SPEED="1") as site:
        _start(site, "web", site.env["PORT"])
        yield site


@pytest.fixture(scope="module")
def elsewhere(server: Site) -> str:
    """The URL of a second web process of the same site."""
    return _start(server, "web-2", str(free_port()))


def wait_until_it_listens(server: Site, group: str) -> None:
    """Wait until the first process has joined this group of the channel layer."""
    layer = redis.Redis.from_url(server.env["REDIS_URL"])
    wait_until(lambda: layer.zcard(f"asgi:group:{group}"), "the process with the sockets to listen")


def _start(site: Site, name: str, port: str) -> str:
    """Start a process, which the site stops; return its URL."""
    env = site.env | {"DJANGO_SETTINGS_MODULE": "openrouter_site.settings"}
    command = shlex.join(["python", "-c", PROGRAM % port])
    process = site.processes[name] = Process(name, f"exec {command}", env, site.folder)
    url = f"http://127.0.0.1:{port}"
    process.wait_until_it_responds(url)
    return url
