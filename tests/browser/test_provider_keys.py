"""A provider key of one's own, in a browser: brought, used, paid for, refused, and moved to shared capacity."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter, new_person
from tests.support.processes import Site, wait_until

SECRET, WRONG = "csk-customers-key-of-their-own-7777", "csk-mistyped-key-0000"
PROVIDER, NAME, MODEL = "cerebras", "Cerebras", "openai/gpt-oss-120b"
ANSWER = "Hello from your own account."

POINT = """
from models_catalog import catalog
from models_catalog.models import Provider
Provider.objects.filter(slug="{provider}").update(base_url="{url}")
catalog.touch()
"""
EXHAUST = """
from django.conf import settings
from gateway.models import OwnKeyMonth
OwnKeyMonth.objects.filter(account={account}).update(free_requests=settings.BYOK_FREE_REQUESTS)
"""


class Server(ThreadingHTTPServer):
    """A provider that records the keys that it gets. It rejects other keys than `SECRET`, and may limit its rate."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.received: list[tuple[str, str]] = []  # path, key
        self.is_limiting = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self._answer(200, {"object": "list", "data": [{"id": "gpt-oss-120b"}]})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        usage = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}
        choice: dict[str, Any] = {"index": 0, "finish_reason": "stop"}
        if not asked.get("stream"):
            choice["message"] = {"role": "assistant", "content": ANSWER}
        else:
            choice["delta"] = {"role": "assistant", "content": ANSWER}
        body = {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": asked["model"], "usage": usage}
        self._answer(200, body | {"choices": [choice]}, is_stream=bool(asked.get("stream")))

    def _answer(self, status: int, body: Any, *, is_stream: bool = False) -> None:
        key = self.headers.get("Authorization", "").removeprefix("Bearer ")
        self.server.received.append((self.path, key))
        if key != SECRET:
            status, body, is_stream = 401, {"error": {"message": "Incorrect API key", "code": 401}}, False
        elif self.server.is_limiting and self.command == "POST":
            status, body, is_stream = 429, {"error": {"message": "Slow down", "code": 429}}, False
        text = json.dumps(body)
        content = (f"data: {text}\n\ndata: [DONE]\n\n" if is_stream else text).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/event-stream" if is_stream else "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def provider(site: Site, new_page: Any, faults: list[str]) -> Iterator[Server]:
    [(before,)] = site.rows(f"SELECT base_url FROM models_catalog_provider WHERE slug = '{PROVIDER}'")
    server = Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    site.manage("shell", "--no-imports", "-c", POINT.format(provider=PROVIDER, url=server.url))
    try:
        wait_until_known(site, new_page(), server)
        faults.clear()  # of keys that were refused with 422
        yield server
    finally:
        site.manage("shell", "--no-imports", "-c", POINT.format(provider=PROVIDER, url=before))
        server.shutdown()
        server.server_close()
        thread.join()


def wait_until_known(site: Site, page: Page, server: Server) -> None:
    """Wait until keys are tested at this server. The process checks its catalog every two seconds.

    Another person tries it, because a key that cannot be tested at the address before is saved.
    """
    person = new_person(site)

    def is_known() -> bool:
        enter(page, site, person, "/settings/provider-keys/add")
        with page.expect_response(lambda response: response.request.method == "POST"):
            add(page, WRONG)
        return bool(server.received)

    wait_until(is_known, "keys to be tested at the server")
    page.context.close()


def chat(site: Site, person: Person) -> httpx.Response:
    body = {
        "model": MODEL, "messages": [{"role": "user", "content": "Hi"}], "provider": {"only": [PROVIDER]},
    }  # fmt: skip
    headers = {"Authorization": f"Bearer {person.key}"}
    return httpx.post(f"{site.url}/api/v1/chat/completions", json=body, headers=headers, timeout=60, trust_env=False)


def add(page: Page, secret: str) -> None:
    page.get_by_label("Provider", exact=True).select_option(label=NAME)
    page.get_by_label("API key", exact=True).fill(secret)
    page.get_by_label("Name").fill("Team account")
    page.get_by_role("button", name="Add key").click()


def check_preview_and_picker(page: Page, site: Site) -> None:
    """The routing preview begins with the own key, and the picker has what only own keys make available."""
    page.goto(f"{site.url}/settings/privacy/preview?model={MODEL}")
    expect(page.get_by_role("heading", name=f"goes to {NAME} on your own key")).to_be_visible()
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    ours = {"data": [{"id": "acme/ours-alone", "name": "Acme: Ours alone", "created": 1, "pricing": {"prompt": "1"}}]}
    page.route("**/chat/models", lambda route: route.fulfill(json=ours))  # this site has keys of all providers
    page.goto(f"{site.url}/chat")
    expect(page.locator("#chat[data-ready]")).to_be_attached()
    page.keyboard.press("Control+k")
    page.locator("#picker-search").fill("ours alone")
    expect(page.locator('#picker-list [data-id="acme/ours-alone"]')).to_be_visible()


def test_a_key_is_brought_used_paid_for_and_falls_back(
    site: Site, page: Page, customer: Person, provider: Server, faults: list[str]
):
    enter(page, site, customer, "/settings/provider-keys")
    expect(page.get_by_role("heading", name="No provider keys yet")).to_be_visible()
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.get_by_role("link", name="Add key").click()
    add(page, WRONG)
    expect(page.get_by_text(f"{NAME} rejected the key")).to_be_visible()
    faults.clear()  # the form was refused with 422
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    add(page, f"  {SECRET} ")
    expect(page.get_by_text(f"{NAME} accepted the key")).to_be_visible()
    expect(page.get_by_role("listitem").filter(has_text="Team account")).to_contain_text("...7777")
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})

    def usage() -> dict[str, Any]:
        response = chat(site, customer)
        assert response.status_code == 200, response.text
        used: dict[str, Any] = response.json()["usage"] | {"id": response.json()["id"], "text": response.text}
        return used

    wait_until(lambda: usage()["is_byok"], "the key to reach the gateway")
    free = usage()
    assert ANSWER in free["text"] and free["cost"] == 0 and free["cost_details"]["upstream_inference_cost"] > 0
    assert ("/v1/chat/completions", SECRET) in provider.received

    site.manage("shell", "--no-imports", "-c", EXHAUST.format(account=customer.account))
    paid = usage()
    assert paid["is_byok"] and paid["cost"] == pytest.approx(paid["cost_details"]["upstream_inference_cost"] * 0.05)
    page.goto(f"{site.url}/activity/{paid['id']}")
    expect(page.get_by_role("row").filter(has_text=f"Billed by {NAME}")).to_contain_text("To your own key")
    expect(page.get_by_role("row").filter(has_text="Fee")).to_contain_text("5% of the list price")
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})

    check_preview_and_picker(page, site)

    provider.is_limiting = True
    shared = usage()
    assert not shared["is_byok"] and ANSWER not in shared["text"]
    page.goto(f"{site.url}/activity/{shared['id']}")
    expect(page.get_by_role("listitem").filter(has_text="Own key")).to_contain_text("429")

    page.goto(f"{site.url}/settings/provider-keys")
    expect(page.get_by_text("1,000,000 of 1,000,000 requests")).to_be_visible()
    page.get_by_role("link", name="Team account").click()
    page.get_by_label("Always. Never use shared capacity of this provider").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Never used, because a key above is always used")).to_be_visible()
    wait_until(lambda: chat(site, customer).status_code == 429, "the shared capacity to be forbidden")
    assert "your own key" in chat(site, customer).json()["error"]["message"]


def test_without_javascript_a_key_is_added_and_deleted(site: Site, new_page: Any, customer: Person, provider: Server):
    page = new_page(java_script_enabled=False, viewport={"width": 390, "height": 844})
    enter(page, site, customer, "/settings/provider-keys/add")
    add(page, SECRET)
    expect(page).to_have_url(f"{site.url}/settings/provider-keys")
    page.get_by_role("link", name="Team account").click()
    expect(page.get_by_role("heading", name=f"{NAME} key ...7777")).to_be_visible()
    page.get_by_role("link", name="Delete this key").click()
    page.get_by_role("button", name="Delete key").click()
    expect(page.get_by_role("heading", name="No provider keys yet")).to_be_visible()
