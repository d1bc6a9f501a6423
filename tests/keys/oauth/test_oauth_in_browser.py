"""A small app whose users pay for their own models (`docs/examples/connect`), in a real browser."""

from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from playwright.sync_api import Page, expect

from scripts.environment import ROOT
from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter
from tests.support.processes import Site


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def app() -> Iterator[str]:
    """The address of the sample app, which a server of its own serves."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(ROOT / "docs/examples/connect")))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_an_app_is_connected_used_and_disconnected(
    page: Page, site: Site, customer: Person, app: str, faults: list[str]
):
    enter(page, site, customer, "/models")
    page.goto(f"{app}/index.html?gateway={site.url}")
    page.get_by_role("button", name="Connect").click()
    expect(page.get_by_role("heading")).to_have_text(f"Connect {app.removeprefix('http://')}?")
    expect(page.get_by_label("Key name")).to_have_value("Haiku of the day")
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_role("status")).to_have_text("You didn't connect your account.")

    page.get_by_role("button", name="Connect").click()
    page.get_by_label("Spend limit").fill("2.50")
    page.get_by_role("button", name="Connect").click()
    page.get_by_role("button", name="Write a haiku").click()
    expect(page.get_by_role("status")).to_contain_text("simulated", ignore_case=True)
    assert "code=" not in page.url

    enter(page, site, customer, "/settings/connected-apps")
    row = page.get_by_role("row").filter(has_text=app)
    expect(row).to_contain_text("Haiku of the day")
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    [(found,)] = site.rows(f"SELECT app FROM gateway_generation WHERE app LIKE '{app}%'")
    assert found.startswith(app)
    row.get_by_role("link", name="Disconnect").click()
    page.get_by_role("button", name="Disconnect").click()
    expect(page.get_by_text("No apps connected")).to_be_visible()
    page.goto(f"{app}/index.html")
    page.get_by_role("button", name="Write a haiku").click()
    expect(page.get_by_role("status")).to_contain_text("deleted")
    assert any("401" in fault for fault in faults)
    faults.clear()
