"""Limits by address on the running server: forged headers don't help, and a named proxy tells its visitors apart."""

import dataclasses
import functools
from collections.abc import Callable, Iterator

import pytest
import requests

from scripts.serve import free_port
from tests.browser.fixtures import stores
from tests.support.processes import Process, Site, wait_until

pytestmark = pytest.mark.browser  # starts real processes, so it runs with the others that do

UVICORN = "python -m uvicorn openrouter_site.asgi:application --host 127.0.0.1 --port {port} --log-level warning {more}"
ALLOWED = 10  # wrong passwords from one address in a minute
LIMITED = "Too many failed attempts"


@dataclasses.dataclass
class Visitor:
    """A browser that sends these headers with every request."""

    url: str
    session: requests.Session = dataclasses.field(default_factory=requests.Session)

    def __post_init__(self) -> None:
        self.session.trust_env = False
        self.session.get(f"{self.url}/account/login/").raise_for_status()

    def sign_in(self, email: str, password: str = "not the password", **headers: str) -> requests.Response:
        data = {"login": email, "password": password, "csrfmiddlewaretoken": self.session.cookies["csrftoken"]}
        return self.session.post(f"{self.url}/account/login/", data, headers=headers, allow_redirects=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with Site(tmp_path_factory.mktemp("proxies"), processes=("web",)) as site:
        yield site


@pytest.fixture(scope="module")
def served(site: Site) -> Iterator[Callable[..., str]]:
    """Starts another web process with these options and variables, once, and returns its URL."""
    processes: list[Process] = []

    @functools.cache
    def start(more: str = "", **variables: str) -> str:
        port = free_port()
        folder = site.folder / f"web-{port}"  # of its own: without Redis, a second process in one folder refuses to run
        own = {"DATA_DIR": str(folder), "DATABASE_URL": f"sqlite:///{site.data_dir}/site.sqlite3"}
        process = Process(f"web-{port}", UVICORN.format(port=port, more=more), site.env | own | variables, site.folder)
        processes.append(process)
        process.wait_until_it_responds(f"http://127.0.0.1:{port}/")
        return f"http://127.0.0.1:{port}"

    yield start
    for process in processes:
        process.stop()


def spray(url: str, attempts: int) -> int:
    """Guess at one account per attempt, each with another forged address; return how many guesses were checked."""
    visitor = Visitor(url)
    answers = [
        visitor.sign_in(f"person{number}@example.com", **{"X-Forwarded-For": f"198.51.100.{number}"})
        for number in range(attempts)
    ]
    return sum(answer.status_code == 200 and LIMITED not in answer.text for answer in answers)


def test_forged_addresses_do_not_help_a_password_spray(site: Site):
    assert 0 < spray(site.url, 45) <= ALLOWED


def test_nor_if_the_server_was_told_to_trust_everyone(served: Callable[..., str]):
    assert spray(served("--proxy-headers --forwarded-allow-ips '*'"), ALLOWED + 5) == ALLOWED


def test_two_processes_share_the_limits(tmp_path, served: Callable[..., str]):
    redis_url = stores("production-like", second=True)["redis_url"]
    with Site(tmp_path, processes=("web",), redis_url=redis_url) as first:
        second = served(REDIS_URL=redis_url)
        visitors = [Visitor(first.url), Visitor(second)]
        answers = [visitors[number % 2].sign_in(f"person{number}@example.com") for number in range(ALLOWED + 4)]
    assert [LIMITED in answer.text for answer in answers] == [False] * ALLOWED + [True] * 4


def test_behind_a_named_proxy_each_visitor_has_limits_of_their_own(served: Callable[..., str]):
    visitor = Visitor(served(TRUSTED_PROXIES="127.0.0.1"))
    hammer = [
        visitor.sign_in(f"person{number}@example.com", **{"X-Forwarded-For": f"198.51.100.{number}, 203.0.113.1"})
        for number in range(ALLOWED + 1)
    ]
    assert LIMITED in hammer[-1].text
    other = visitor.sign_in("person@example.com", **{"X-Forwarded-For": "203.0.113.2"})
    assert other.status_code == 200 and LIMITED not in other.text


def test_the_scheme_is_believed_from_a_named_proxy_only(site: Site, served: Callable[..., str]):
    for url, believed in ((site.url, False), (served(TRUSTED_PROXIES="127.0.0.1"), True)):
        # Over https, Django demands a Referer of this site, which it doesn't over http.
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.3", "Referer": "https://evil.example/"}
        assert (Visitor(url).sign_in("person@example.com", **headers).status_code == 403) == believed
    wait_until(lambda: "set TRUSTED_PROXIES=127.0.0.1" in site.output(), "the remedy in the log")
