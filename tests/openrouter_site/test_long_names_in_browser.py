"""Names without a space, as long as their fields allow, in a browser: no page gets wider than its window."""

from playwright.sync_api import Page, expect

from tests.browser.accessibility import widest_overflow
from tests.browser.people import enter, new_person
from tests.support.processes import Site

NAME_THEM = """
from importlib import import_module
from django.conf import settings
from accounts.access import SESSION_ORGANISATION
from accounts.models import Organisation
from guardrails.models import Guardrail
from keys.models import ApiKey
organisation = Organisation.objects.get(credit_account={person.account})
ApiKey.objects.filter(organisation=organisation).update(name="k" * 100)
guardrail = Guardrail.objects.create(organisation=organisation, name="g" * 200)
organisation.name = "o" * 100
organisation.personal_of = None
organisation.save(update_fields=["name", "personal_of"])
session = import_module(settings.SESSION_ENGINE).SessionStore("{person.session}")
session[SESSION_ORGANISATION] = organisation.public_id
session.save()
print("MADE", ApiKey.objects.get(organisation=organisation).hash, guardrail.public_id)
"""


def test_no_page_is_wider_than_its_window(page: Page, site: Site):
    person = new_person(site)
    printed = site.manage("shell", "--no-imports", "-c", NAME_THEM.format(person=person))
    key, guardrail = printed.split("MADE ")[1].split()
    addresses = [
        f"/settings/keys/{key}",
        f"/settings/keys/{key}/delete",
        f"/settings/guardrails/{guardrail}",
        "/settings/guardrails",
        "/settings/keys",
        "/settings/credits",
        "/settings/organization",
        "/activity/reports",
        "/openai/gpt-4o-mini",
    ]
    for address in addresses:
        enter(page, site, person, address)
        expect(page.locator("h1")).not_to_have_text("Page not found")
        for width in (1440, 840, 390):
            page.set_viewport_size({"width": width, "height": 900})
            assert widest_overflow(page) == [], f"{address} at {width}"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{address} at {width}"
    page.set_viewport_size({"width": 840, "height": 900})
    links, end = page.locator(".nav-links").bounding_box(), page.locator(".nav-end").bounding_box()
    assert links and end and links["x"] + links["width"] <= end["x"]
