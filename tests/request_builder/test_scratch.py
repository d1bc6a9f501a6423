from tests.browser.people import enter
from tests.browser.accessibility import check_looks
from playwright.sync_api import expect

def test_scratch(page, site, customer, faults):
    enter(page, site, customer, "/request-builder?model=openai/gpt-4o-mini")
    expect(page.locator("[data-ready]")).to_be_attached()
    page.screenshot(path="/tmp/a.png", full_page=True)
    page.get_by_label("Temperature").fill("3")
    page.get_by_label("Text of message 1").fill("It's \"quoted\" \\ 😀\n`$HOME`")
    page.wait_for_timeout(1500)
    page.screenshot(path="/tmp/b.png", full_page=False)
    print(page.url)
    page.get_by_label("Temperature").fill("0")
    page.get_by_role("button", name="Run", exact=True).click()
    expect(page.locator("#run-facts")).to_contain_text("Cost")
    page.set_viewport_size({"width": 390, "height": 900})
    page.emulate_media(color_scheme="dark")
    page.screenshot(path="/tmp/c.png", full_page=True)
    page.set_viewport_size({"width": 1440, "height": 900})
    page.screenshot(path="/tmp/d.png", full_page=False)
    page.reload()
    page.wait_for_timeout(1500)
    print(page.url, page.get_by_label("Text of message 1").input_value())
    print(faults); 
    check_looks(page)
