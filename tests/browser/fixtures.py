"""A real browser for tests: Chromium from the system, and pages that fail their test on any fault in the console.

Playwright's synchronous API keeps an event loop running in the thread that started it, which asynchronous tests refuse
to share. So tests in a browser come after all others, and keep one browser and one running site until the end.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Playwright,
    expect,
    sync_playwright,
)
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from scripts.checks import chromium
from tests.browser.people import Person, new_person
from tests.browser.profiles import WINDOW, Profile
from tests.support.processes import Site

__all__ = [
    "browser", "customer", "faults", "new_page", "page", "playwright", "profile", "pytest_collection_modifyitems",
    "pytest_xdist_make_scheduler", "site", "sites", "stores",
]  # fmt: skip

PATIENCE_MS = 30_000
# Switches off whatever would make Chromium call home: the tests work without a network.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Fewer processes, which take time to start and to talk to each other.
    "--in-process-gpu",
    "--enable-features=NetworkServiceInProcess2",
    # A microphone that beeps, and may be used.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]


#: Tests that take many seconds, mostly waiting. Of each kind they come first: at the end, one would run alone. So do
#: those that share a running site: they come to one process, and others need none.
SLOW = (
    "tests/accounts/organisations/test_team_in_browser.py",
    "tests/agents/",
    "tests/browser/account/test_account.py",
    "tests/browser/credits/test_buying_credits.py",
    "tests/browser/chat/answers/test_crashes.py",
    "tests/browser/account/test_deletion.py",
    "tests/browser/test_firefox.py",
    "tests/gateway/test_crash.py",
    "tests/gateway/test_shutdown.py",
    "tests/openrouter_site/pages/test_privacy_in_browser.py",
    "tests/openrouter_site/test_access.py",
    "tests/openrouter_site/test_outages.py",
    "tests/openrouter_site/test_starting.py",
    "tests/operations/test_deployment.py",
    "tests/operations/telemetry/test_metrics.py",
    "tests/operations/serving/test_probes.py",
    "tests/operations/serving/test_request_ids.py",
    "tests/operations/serving/test_shutdown.py",
    "tests/scripts/test_set_up.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark whatever starts a browser or the real processes, so that `-m "not browser"` starts neither; put it last."""
    for item in items:
        if {"playwright", "site"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("browser")
    in_browser = lambda item: item.get_closest_marker("browser") is not None  # noqa: E731
    items.sort(key=lambda item: (in_browser(item), not item.nodeid.startswith(SLOW)))
    if path := os.environ.get("TEST_BROWSER_FILES"):  # for the suite of these, which need not look through all others
        Path(path).write_text("\n".join(sorted({item.nodeid.partition("::")[0] for item in items if in_browser(item)})))


class InGroups(LoadScopeScheduling):  # type: ignore[misc]
    """Whichever process is free gets the next test; those that share what takes long to start stay together."""

    GROUPS = (
        "tests/test_privacy.py",
        "tests/activity/live/test_live_elsewhere.py",
        "tests/browser/chat/files/test_documents.py",
        "tests/browser/chat/transfer/test_foreign_exports.py",
        "tests/browser/chat/drawing/test_markdown.py",
        "tests/browser/account/test_second_factor.py",
        "tests/chat/answers/test_interruptions.py",
        "tests/chat/socket/test_sign_out_elsewhere.py",
        "tests/openrouter_site/test_proxies.py",
        "tests/openrouter_site/test_slow_and_large_requests.py",
        "[production-like]",
    )

    def _split_scope(self, nodeid: str) -> str:
        return next((group for group in self.GROUPS if group in nodeid), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> LoadScopeScheduling | None:
    """The distribution of a parallel run with `--dist loadgroup`."""
    return InGroups(config, log) if config.getoption("dist") == "loadgroup" else None


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    program = chromium()
    if not program:
        pytest.skip("There is no Chromium; set CHROMIUM to its path.")
    browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture
def faults() -> Iterator[list[str]]:
    """The errors of the test's pages. A test that provokes an error clears it: `faults.clear()`."""
    faults: list[str] = []
    yield faults
    assert not faults, "\n".join(faults)


@pytest.fixture(scope="session")
def profile(browser: Browser) -> Iterator[Profile]:
    """The profile that tests have one after the other: a test's is what `new_page` opens with `kept`."""
    profile = Profile(browser, service_workers="block")
    profile.context.set_default_timeout(PATIENCE_MS)
    yield profile
    profile.context.close()


@pytest.fixture
def new_page(browser: Browser, profile: Profile, faults: list[str]) -> Iterator[Callable[..., Page]]:
    """Opens a page in a profile of its own; arguments are Playwright's for a context (`viewport`, `color_scheme`).

    The first that is `kept` has the files that earlier tests have loaded, unless it needs more than headers.
    """
    contexts: list[BrowserContext] = []

    def on_console(message: ConsoleMessage) -> None:
        # Violations of the content security policy and responses with an error status are among the errors. A request
        # that a newer one replaces is none, but htmx prints two lines about it; other failures have a third.
        if message.type == "error" and not message.text.startswith(("htmx:afterRequest", "htmx:sendAbort")):
            faults.append(f"console: {message.text} ({message.location.get('url')})")

    def open_in_own_profile(**options: Any) -> Page:
        # The chat's service worker would load every file of the chat in each test.
        options.setdefault("service_workers", "block")
        context = browser.new_context(**options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        return context.new_page()

    def open_page(*, kept: bool = False, **options: Any) -> Page:
        if kept and not profile.is_used and options.keys() <= {"extra_http_headers"}:
            page = profile.open_page(**options)
        else:
            page = open_in_own_profile(**({"viewport": WINDOW} | options if kept else options))
        page.on("console", on_console)
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        return page

    yield open_page
    for context in contexts:
        context.close()
    if profile.is_used:
        profile.clear()


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """A page of 1440 by 900; use `new_page` for another size, or for a second person."""
    return new_page(viewport=WINDOW)


def stores(name: str, *, second: bool = False) -> dict[str, str]:
    """Arguments of `Site` for "embedded" or "production-like" stores; skips the test where there are none.

    A `second` site beside the one of all tests needs a Redis database of its own.
    """
    if name == "embedded":
        return {}
    redis_url = os.environ.get("TEST_REDIS_URL", "")
    if redis_url:
        worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:])  # "gw0", "gw1", ... in a parallel run
        redis_url = re.sub(r"/\d*$", "", redis_url) + f"/{1 + 2 * worker + second}"
    given = {"postgresql": os.environ.get("TEST_DATABASE_URL", ""), "redis_url": redis_url}
    if not all(given.values()):
        pytest.skip("PostgreSQL and Redis are not given by TEST_DATABASE_URL and TEST_REDIS_URL.")
    return given


@pytest.fixture(scope="session")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Site]]:
    """Gives the whole site on the stores that are named, started when it is first asked for."""
    with ExitStack() as running:

        @cache
        def start(name: str) -> Site:
            folder = tmp_path_factory.mktemp("site")
            settings = {"DJANGO_SETTINGS_MODULE": "tests.support.site_settings", "SANDBOX_PROVIDERS_SPEED": "50"}
            return running.enter_context(Site(folder, **stores(name), **settings))

        yield start


@pytest.fixture
def site(request: pytest.FixtureRequest, sites: Callable[[str], Site]) -> Site:
    """The whole site, running. All tests share it: each is a person of its own there.

    A test asks for other stores by parametrising it indirectly.
    """
    return sites(getattr(request, "param", "embedded"))


@pytest.fixture
def customer(site: Site) -> Person:
    """A new user with $25."""
    return new_person(site)
