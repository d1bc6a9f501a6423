"""Lists of providers and models, marks of excluded models and the routing preview in a real browser."""

from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.people import Person, enter
from tests.support.processes import Site


def test_an_ignored_model_is_marked_everywhere_with_a_link_to_the_list(page: Page, site: Site, customer: Person):
    enter(page, site, customer, "/settings/privacy")
    page.get_by_role("link", name="Providers and models").click()
    page.get_by_label("Never use these models").fill("openai/gpt-4o-mini")
    page.get_by_text("Never use these providers").first.click()
    check_looks(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Lists saved. Your settings now exclude")).to_be_visible()

    page.get_by_role("link", name="Routing preview").click()
    page.get_by_label("Model", exact=True).fill("openai/gpt-4o-mini")
    page.get_by_label("Sent by").select_option(index=1)
    page.get_by_role("button", name="Preview").click()
    expect(page.get_by_role("heading", name="No provider can serve this request")).to_be_visible()
    expect(page.get_by_label("Sent by").locator("option:checked")).to_contain_text("API key Program")
    check_looks(page)
    page.goto(f"{site.url}/settings/privacy/preview?model=openai/gpt-4o")
    expect(page.get_by_role("heading", name="With your settings, this request goes to")).to_be_visible()
    check_looks(page)

    page.goto(f"{site.url}/models?q=gpt-4o-mini")
    card = page.get_by_role("article").filter(has=page.get_by_text("openai/gpt-4o-mini", exact=True))
    expect(card.get_by_text("On your list of ignored models.")).to_be_visible()
    check_looks(page)
    page.goto(f"{site.url}/models?q=gpt-4o-mini&view=table")
    expect(page.get_by_role("link", name="On your list of ignored models.").first).to_be_visible()
    check_looks(page)
    page.goto(f"{site.url}/openai/gpt-4o-mini")
    expect(page.get_by_text("Excluded by your settings")).to_be_visible()
    check_looks(page)

    page.goto(f"{site.url}/chat")
    expect(page.locator("#chat[data-ready]")).to_be_attached()
    page.keyboard.press("Control+k")
    page.locator("#picker-search").fill("gpt-4o-mini")
    row = page.locator('#picker-list [data-id="openai/gpt-4o-mini"]')
    expect(row.get_by_text("On your list of ignored models.")).to_be_visible()
    check_looks(page)
