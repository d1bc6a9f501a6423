"""The pages of the site itself, and what is true of every page."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import reverse

from billing.models import CreditAccount

pytestmark = pytest.mark.django_db

#: Of pages: the policy does not reach emails.
TEMPLATES = sorted(
    path for path in Path(django_settings.BASE_DIR, "templates").rglob("*.html") if path.parent.name != "mail"
)

PUBLIC = [
    "/", "/terms", "/privacy", "/models", "/account/login/", "/account/signup/", "/account/password/reset/",
    "/account/password/reset/done/", "/account/confirm-email/", "/account/confirm-email/broken/", "/account/inactive/",
    "/account/password/reset/key/1-broken/", "/account/password/reset/key/done/", "/nothing/is/here",
]  # fmt: skip
MEMBERS = [
    "/", "/account/email/", "/account/two-factor/", "/account/password/change/", "/account/logout/", "/chat",
    "/settings/keys", "/settings/presets", "/settings/presets/create",
    "/settings/credits", "/settings/credits/billing-details", "/settings/credits/auto-top-up", "/activity", "/models",
    "/nothing/is/here",
]  # fmt: skip


class Outline(HTMLParser):
    """The parts of a page that its policy and its landmarks concern."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.h1 = 0
        self.mains = 0
        self.nonces: set[str | None] = set()
        self.forbidden: list[str] = []
        self.ids: list[str] = []
        self.unlabelled: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.h1 += tag == "h1"
        self.mains += tag == "main"
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.nonces.add(given.get("nonce"))
        self.forbidden += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        if tag == "style" or (given.get("href") or "").startswith("javascript:"):
            self.forbidden.append(tag)


def check(response) -> None:
    """AssertionError unless the page obeys the rules of every page."""
    page = response.content.decode()
    outline = Outline(page)
    policy = response["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "*" not in policy
    [nonce] = outline.nonces  # the import map's: there is no other inline script
    assert nonce and f"'nonce-{nonce}'" in policy
    assert outline.forbidden == []
    assert (outline.h1, outline.mains) == (1, 1)
    assert len(outline.ids) == len(set(outline.ids)), sorted({i for i in outline.ids if outline.ids.count(i) > 1})
    assert "<title> ·" not in page and '<html lang="en"' in page


@pytest.mark.parametrize("address", PUBLIC)
def test_every_page_for_visitors_obeys_the_rules(client: Client, address: str):
    check(client.get(address, follow=True))


@pytest.mark.parametrize("address", MEMBERS)
def test_every_page_for_members_obeys_the_rules(alice_client: Client, account: CreditAccount, address: str):
    check(alice_client.get(address, follow=True))


def test_the_nonce_is_never_used_twice(client: Client):
    nonces = {re.search(r'nonce="([^"]+)"', client.get("/terms").content.decode()).group(1) for _ in range(3)}
    assert len(nonces) == 3


def test_no_template_holds_what_the_policy_forbids():
    assert len(TEMPLATES) > 30
    rules = {
        "a style attribute": r"\sstyle\s*=",
        "an inline handler": r"\son[a-z]+\s*=\s*[\"']",
        "a style element": r"<style\b",
        "an inline script": r"<script(?![^>]*\bsrc=)(?![^>]*application/json)",
        "a script address": r"javascript:",
        "an evaluated htmx attribute": r"\shx-on|hx-(vals|headers)\s*=\s*[\"']js:",
        "another site's file": r"<(?:script|link|img)[^>]+(?:src|href)=[\"'](?:https?:)?//",
    }
    found = [
        f"{template.name}: {name}: {hit.group()}"
        for template in TEMPLATES
        for name, rule in rules.items()
        for hit in re.finditer(rule, template.read_text())
    ]
    assert found == []


def test_every_static_file_that_a_template_names_exists():
    names = {
        (template.name, name)
        for template in TEMPLATES
        for name in re.findall(r"{% static ['\"]([^'\"]+)['\"] %}", template.read_text())
    }
    assert names
    assert sorted(name for name in names if finders.find(name[1]) is None) == []


def test_every_icon_that_a_template_names_is_in_the_sprite():
    from openrouter_site.pages.styleguide import icon_names

    drawn = set(icon_names())
    named = {
        (template.name, name)
        for template in TEMPLATES
        if template.name != "icons.html"
        for name in re.findall(r'{% icon "([^"]+)"', template.read_text())
        + re.findall(r'include "components/empty.html" with [^%]*icon="([^"]+)"', template.read_text())
    }
    assert sorted(use for use in named if use[1] not in drawn) == []


# --- Theme ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_chosen_theme_is_kept_and_in_the_first_byte_of_the_next_page(client: Client, theme: str):
    response = client.post("/theme", {"theme": theme, "next": "/terms"})
    assert response.url == "/terms"
    assert f'<html lang="en" data-theme="{theme}">' in client.get("/terms").content.decode()


@pytest.mark.parametrize("theme", ["system", "", '"><script>'])
def test_any_other_theme_follows_the_system(client: Client, theme: str):
    client.post("/theme", {"theme": "dark"})
    client.post("/theme", {"theme": theme})
    assert '<html lang="en">' in client.get("/terms").content.decode()


def test_a_forged_theme_cookie_is_ignored(client: Client):
    client.cookies["theme"] = "dark onload=alert(1)"
    assert '<html lang="en">' in client.get("/terms").content.decode()


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)", ""])
def test_choosing_a_theme_leads_to_no_other_site(client: Client, target: str):
    assert client.post("/theme", {"theme": "dark", "next": target}).url == "/"


def test_the_theme_is_chosen_by_a_form_of_this_site(db):
    assert Client(enforce_csrf_checks=True).post("/theme", {"theme": "dark"}).status_code == 403
    assert Client().get("/theme").status_code == 405


# --- Navigation -----------------------------------------------------------------------------------


def test_a_visitor_is_offered_to_sign_in_and_not_a_balance(client: Client):
    page = client.get("/terms").content.decode()
    assert reverse("account_login") in page and reverse("account_signup") in page
    assert "data-balance" not in page and reverse("activity:activity") not in page


def test_a_member_sees_their_balance_and_their_account(alice_client: Client, account: CreditAccount):
    page = alice_client.get("/terms").content.decode()
    assert "<span data-balance>$10.00</span>" in page
    assert f'class="balance" href="{reverse("billing:credits")}"' in page
    assert "alice@example.com" in page
    assert re.search(rf'<form action="{reverse("account_logout")}" method="post"', page)


def test_the_page_one_is_on_is_marked(client: Client):
    page = client.get("/models").content.decode()
    assert re.search(rf'<a href="{reverse("models_catalog:models")}" aria-current="page">', page)


def test_the_search_box_asks_the_models_page(client: Client):
    page = client.get("/terms").content.decode()
    assert re.search(r'<form class="nav-search" role="search" action="/models" method="get">', page)


def test_a_sandbox_says_that_it_is_one_and_a_real_site_does_not(client: Client, settings):
    settings.STRIPE_IS_SANDBOX, settings.SANDBOX_PROVIDERS_URL = True, "http://127.0.0.1:8010"
    assert "No real money is charged" in client.get("/terms").content.decode()
    settings.STRIPE_IS_SANDBOX, settings.SANDBOX_PROVIDERS_URL = False, ""
    assert "site-banner" not in client.get("/terms").content.decode()


def test_the_operators_names_are_used_and_escaped(client: Client, settings):
    settings.SITE_NAME, settings.SUPPORT_EMAIL = "Tom & <b>Sons</b>", "help@relay.example"
    settings.COMMUNITY_URL = "https://community.relay.example/join"
    page = client.get("/terms").content.decode()
    assert "Tom &amp; &lt;b&gt;Sons" in page and "<b>Sons" not in page
    assert "mailto:help@relay.example" in page and 'href="https://community.relay.example/join"' in page


# --- What is there for machines -------------------------------------------------------------------


def test_the_manifest_names_the_site_and_a_mark_that_exists(client: Client, settings):
    settings.SITE_NAME = "Relay Station"
    response = client.get(reverse("manifest"))
    assert response["Content-Type"] == "application/manifest+json"
    body = response.json()
    assert (body["name"], body["start_url"], body["scope"]) == ("Relay Station", "/chat", "/")
    assert {"192x192", "512x512"} <= {icon["sizes"] for icon in body["icons"] if icon["purpose"] == "any"}
    assert any(icon["purpose"] == "maskable" for icon in body["icons"])
    for icon in body["icons"]:
        picture = Path(finders.find(icon["src"].removeprefix("/static/"))).read_bytes()
        if icon["type"] == "image/png":  # its size is in its header
            width, height = (int.from_bytes(picture[at : at + 4]) for at in (16, 20))
            assert icon["sizes"] == f"{width}x{height}"


def test_the_old_name_of_the_favicon_leads_to_the_mark(client: Client):
    assert finders.find(client.get("/favicon.ico").url.removeprefix("/static/"))


def test_the_overview_of_components_is_for_development_only(client: Client, settings):
    assert client.get(reverse("styleguide")).status_code == 404
    settings.DEBUG = True
    response = client.get(reverse("styleguide"))
    assert response.status_code == 200 and "Components" in response.content.decode()
