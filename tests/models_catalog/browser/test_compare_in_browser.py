"""The models page and the comparison in a real browser."""

import re

from playwright.sync_api import Page, Route, expect

from tests.browser.accessibility import check_looks
from tests.support.processes import Site


def test_models_are_chosen_in_the_list_and_compared(page: Page, site: Site):
    page.goto(f"{site.url}/models")
    page.get_by_role("link", name="Show more").click()
    expect(page.locator(".models > li:not(.more)")).to_have_count(100)
    first, last = page.locator('[name="compare"]').first, page.locator('[name="compare"]').last
    first.check()
    last.check()
    ids = [each.get_attribute("value") for each in (first, last)]
    expect(page.get_by_text("2 of 4 models to compare")).to_be_visible()
    assert page.url.endswith(f"/models?compare={','.join(map(str, ids))}")
    expect(page.locator(".models > li:not(.more)")).to_have_count(100)  # nothing was loaded again

    # A filter keeps the chosen models, also those that it hides; a fifth can't be chosen.
    page.get_by_label("Filter by name, author or ID").fill("gpt-4o")
    expect(page.locator(".models > li").first).to_contain_text("GPT-4o")
    assert f"compare={','.join(map(str, ids))}" in page.url
    boxes = page.locator('#results [name="compare"]')
    boxes.nth(0).check()
    boxes.nth(1).check()
    expect(page.get_by_text("4 of 4 models to compare")).to_be_visible()
    expect(boxes.nth(2)).to_be_disabled()
    check_looks(page)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.reload()
    expect(page.get_by_text("4 of 4 models to compare")).to_be_visible()
    page.locator("[data-compare]").click()
    expect(page.locator(".compared thead th")).to_have_count(5)
    check_looks(page)

    # On a phone, the table scrolls and its first column stays.
    table = page.get_by_role("region", name="Comparison")
    before = table.locator("tbody th").nth(1).bounding_box()
    table.evaluate("each => { each.scrollLeft = 200; }")
    assert before and table.evaluate("each => each.scrollLeft") == 200
    after = table.locator("tbody th").nth(1).bounding_box()
    assert after and after["x"] == before["x"]

    count = page.locator(".compared tbody tr:visible").count()
    page.get_by_label("Show differences only").check()
    assert page.locator(".compared tbody tr:visible").count() < count
    page.get_by_role("link", name="Remove").first.click()
    expect(page.locator(".compared thead th")).to_have_count(4)
    page.wait_for_load_state()  # until then nothing hears what is typed
    page.get_by_label("Add a model").fill("gpt-4o-mini")
    page.locator("#matches a").first.click()
    expect(page.locator(".compared thead th")).to_have_count(5)
    assert "openai/gpt-4o-mini" in page.url


def test_a_choice_made_while_a_filter_loads_is_in_the_address_and_its_links(page: Page, site: Site):
    held: list[Route] = []
    page.goto(f"{site.url}/models")
    page.route(re.compile(r"/models\?.*q=gpt"), lambda route: route.continue_() if held else held.append(route))
    with page.expect_request(re.compile(r"/models\?.*q=gpt")):
        page.get_by_label("Filter by name, author or ID").fill("gpt")
    box = page.locator('#results [name="compare"]').first
    box.check()
    chosen = box.get_attribute("value")
    expect(page.get_by_text("1 of 4 models to compare")).to_be_visible()
    held[0].continue_()
    expect(page.locator(".models > li").first).to_contain_text("GPT")
    assert page.url.endswith(f"q=gpt&compare={chosen}")
    expect(page.locator("#more a")).to_have_attribute("href", re.compile(rf"compare={chosen}"))
    page.reload()
    expect(page.get_by_text("1 of 4 models to compare")).to_be_visible()


def test_the_comparison_works_without_scripts(new_page, site: Site):
    page = new_page(java_script_enabled=False)
    page.goto(f"{site.url}/models?q=gpt-4o&sort=newest")
    page.locator('[name="compare"]').first.check()
    page.get_by_role("button", name="Apply", exact=True).click()
    page.locator("[data-compare]").click()
    page.get_by_label("Add a model").fill("claude")
    page.get_by_role("button", name="Search", exact=True).click()
    page.locator("#matches a").first.click()
    expect(page.locator(".compared thead th")).to_have_count(3)
    page.goto(f"{site.url}/compare")
    expect(page.get_by_role("heading", name="No models to compare")).to_be_visible()
