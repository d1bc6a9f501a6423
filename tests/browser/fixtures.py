"""A real browser for tests: Chromium from the system, and pages that fail their test on any fault in the console.

Playwright's synchronous API keeps an event loop running in the thread that started it, which asynchronous tests and
Django's ORM both refuse to share. So each module of browser tests has a Playwright of its own, gone when it ends.
"""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Playwright, Response, sync_playwright

from tests.processes import Site

__all__ = ["browser", "faults", "new_page", "page", "playwright", "pytest_collection_modifyitems", "site", "stores"]

# Switches off whatever would make Chromium call home: the tests work without a network.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark whatever starts a browser or the real processes, so that `-m "not browser"` starts neither."""
    for item in items:
        if {"playwright", "site"} & set(getattr(item, "fixturenames", ())):
            item.add_marker("browser")


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if not program:
        pytest.skip("There is no Chromium; set CHROMIUM to its path.")
    browser = playwright.chromium.launch(executable_path=program, args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture
def faults() -> Iterator[list[str]]:
    """What went wrong in the test's pages. A test that provokes a fault takes it out: `faults.clear()`."""
    faults: list[str] = []
    yield faults
    assert not faults, "\n".join(faults)


@pytest.fixture
def new_page(browser: Browser, faults: list[str]) -> Iterator[Callable[..., Page]]:
    """Opens a page in a profile of its own; arguments are Playwright's for a context (`viewport`, `color_scheme`)."""
    contexts: list[BrowserContext] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":  # violations of the content security policy are among them
            faults.append(f"console: {message.text} ({message.location.get('url')})")

    def on_response(response: Response) -> None:
        if response.status >= 500:
            faults.append(f"{response.status} from {response.url}")

    def open_page(**options: Any) -> Page:
        context = browser.new_context(**options)
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        page.on("console", on_console)
        page.on("pageerror", lambda error: faults.append(f"script: {error}"))
        page.on("response", on_response)
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    """A page of 1440 by 900; use `new_page` for another size, or for a second person."""
    return new_page(viewport={"width": 1440, "height": 900})


def stores(name: str) -> dict[str, str]:
    """Arguments of `Site` for "embedded" or "production-like" stores; skips the test where there are none."""
    if name == "embedded":
        return {}
    redis_url = os.environ.get("TEST_REDIS_URL", "")
    if redis_url and (worker := os.environ.get("PYTEST_XDIST_WORKER")):  # "gw0", "gw1", ...: a database for each
        redis_url = re.sub(r"/\d*$", "", redis_url) + f"/{1 + int(worker[2:])}"
    given = {"postgresql": os.environ.get("TEST_DATABASE_URL", ""), "redis_url": redis_url}
    if not all(given.values()):
        pytest.skip("PostgreSQL and Redis are not given by TEST_DATABASE_URL and TEST_REDIS_URL.")
    return given


@pytest.fixture(scope="module")
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The whole site, running. A module asks for other stores by parametrising it indirectly."""
    folder: Path = tmp_path_factory.mktemp("site")
    with Site(folder, **stores(getattr(request, "param", "embedded")), SANDBOX_PROVIDERS_SPEED="5") as site:
        yield site
