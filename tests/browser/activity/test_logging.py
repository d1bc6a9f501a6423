"""Logging in a browser: turned on with consent, a request read and deleted, everything exported, turned off."""

import json
import os
from pathlib import Path

import httpx
from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter
from tests.support.processes import Site, wait_until

PAGE = "/settings/privacy/logging"
ANSWER = "heron lantern quartz"


def ask(site: Site, person: Person) -> httpx.Response:
    body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": f"Say exactly: {ANSWER}"}]}
    headers = {"Authorization": f"Bearer {person.key}"}
    return httpx.post(f"{site.url}/api/v1/chat/completions", json=body, headers=headers, timeout=60, trust_env=False)


def looks(page: Page) -> None:
    check_looks(page)
    if folder := os.environ.get("SCREENSHOTS"):
        for width, scheme in ((1440, "light"), (1440, "dark"), (390, "light"), (390, "dark")):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            name = page.url.rpartition("/")[2].partition("?")[0]
            page.screenshot(path=f"{folder}/{name}-{len(os.listdir(folder)):02}-{width}-{scheme}.png", full_page=True)
    page.set_viewport_size({"width": 1440, "height": 900})


def test_logging_is_turned_on_read_deleted_and_turned_off(
    site: Site, page: Page, customer: Person, faults: list[str], tmp_path: Path
):
    assert ask(site, customer).status_code == 200
    enter(page, site, customer, "/settings/privacy")
    page.get_by_role("navigation", name="Privacy").get_by_role("link", name="Logging").click()
    expect(page.get_by_text("Logging is off: we store no prompts")).to_be_visible()
    expect(page.get_by_text("Nothing is stored.")).to_be_visible()
    looks(page)
    page.get_by_label("Share of requests").fill("200")
    page.get_by_label("I've read this and agree to it").check()
    page.locator("form.card").evaluate("form => form.noValidate = true")
    page.get_by_role("button", name="Turn on logging").click()
    expect(page.get_by_text("less than or equal to 100")).to_be_visible()
    faults.clear()  # the form was refused with 422
    page.get_by_label("Share of requests").fill("100")
    page.get_by_label("I've read this and agree to it").check()
    page.get_by_role("button", name="Turn on logging").click()
    expect(page.get_by_text("Logging is on for all requests, in chat and through the API.")).to_be_visible()

    def logged() -> str:
        reply = ask(site, customer).json()
        return str(reply["id"]) if "logging_discount" in reply["usage"]["cost_details"] else ""

    wait_until(logged, "the consent to reach the gateway")
    generation = logged()
    page.goto(f"{site.url}/activity/{generation}")
    region = page.get_by_role("region", name="Prompt and response")
    wait_until(lambda: page.reload() and region.is_visible(), "the content to be stored")
    expect(region.get_by_label("User")).to_have_text(f"Say exactly: {ANSWER}")
    expect(region.get_by_label("Response")).to_have_text(ANSWER)
    expect(page.get_by_role("row").filter(has_text="Discount")).to_contain_text("1% off")
    looks(page)
    region.get_by_role("link", name="Delete prompt and response").click()
    expect(page.get_by_role("heading", name="Delete this prompt and response?")).to_be_visible()
    looks(page)
    page.get_by_role("button", name="Delete").click()
    expect(page.get_by_text("aren't stored, except in the response cache")).to_be_visible()
    page.goto(f"{site.url}/chat")
    expect(page.get_by_text("messages and answers are stored on our servers too")).to_be_visible()
    looks(page)

    page.goto(site.url + PAGE)
    looks(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Export as JSON Lines").click()
    download.value.save_as(tmp_path / "export.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "export.jsonl").read_text().splitlines()]
    assert lines and all(line["output"]["completion"] == ANSWER and line["id"] != generation for line in lines)
    page.get_by_role("link", name="Delete everything").click()
    looks(page)
    page.get_by_role("button", name="Delete everything").click()
    expect(page.get_by_text("Nothing is stored.")).to_be_visible()
    page.get_by_role("button", name="Turn off logging").click()
    expect(page.get_by_text("Logging is off: we store no prompts")).to_be_visible()
    expect(page.get_by_text("Turned off by")).to_be_visible()
