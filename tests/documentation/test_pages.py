"""The pages of the documentation: each is shown, says what is true, and leads somewhere."""

import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise
from urllib.parse import unquote, urlsplit

import pytest
from django.test import Client

from documentation import library
from documentation.rendering.markdown import rendered
from documentation.sources import reference
from documentation.sources.placeholders import fill, values
from tests.models_catalog.conftest import bundled, bundled_rows  # noqa: F401

pytestmark = pytest.mark.django_db

SLUGS = [page.slug for page in library.current().pages]


class Page(HTMLParser):
    """The links and the IDs of a page, and the text between its tags."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.headings: list[str] = []
        self.texts: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "a" and given.get("href"):
            self.links.append(given["href"])
        if "id" in given:
            self.ids.append(given["id"])
        if tag in {"h1", "h2", "h3"}:
            self.headings.append(tag)

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture
def get(client: Client):
    pages: dict[str, Page] = {}

    def get(path: str) -> Page:
        if path not in pages:
            response = client.get(path)
            assert response.status_code == 200, path
            pages[path] = Page(response.content.decode())
        return pages[path]

    return get


@pytest.mark.parametrize("slug", SLUGS)
def test_every_page_is_sound_for_a_visitor(get, slug):
    page = get(f"/docs/{slug}")
    assert page.headings.count("h1") == 1
    assert len(page.ids) == len(set(page.ids)), "an ID twice"
    assert "{{" not in " ".join(page.texts), "a placeholder is left"
    levels = [int(heading[1]) for heading in page.headings if heading != "h1"]
    assert all(after - before <= 1 for before, after in pairwise(levels))


def test_every_link_leads_somewhere(get, client, bundled):  # noqa: F811
    links: dict[str, str] = {}
    for path in ("/pricing", "/support", *(f"/docs/{slug}" for slug in SLUGS)):
        for link in get(path).links:
            links.setdefault(link if not link.startswith("#") else path + link, path)
    checked: dict[str, int] = {}
    for link, source in links.items():
        parts = urlsplit(link)
        if parts.scheme:
            assert parts.scheme in {"https", "mailto"}, link
            continue
        path = f"{parts.path}?{parts.query}" if parts.query else parts.path
        if path not in checked:
            checked[path] = client.get(path).status_code
        assert checked[path] in {200, 301, 302}, f"{link} on {source}: {checked[path]}"
        if parts.fragment and parts.path.startswith("/docs/"):
            assert unquote(parts.fragment) in get(parts.path).ids, f"{link} on {source}"


@pytest.mark.parametrize(("old", "slug"), library.MOVED.items())
def test_known_addresses_of_other_guides_lead_to_the_page(client, old, slug):
    response = client.get(f"/docs/{old}")
    assert response.status_code == 301 and response["Location"] == f"/docs/{slug}"
    assert slug in SLUGS


def test_the_start_is_the_quickstart_and_unknown_pages_are_404(client):
    assert client.get("/docs").headers["Location"] == "/docs/quickstart"
    assert client.get("/docs/").headers["Location"] == client.get("/docs/quickstart/").headers["Location"]
    for path in ("/docs/nothing", "/docs/nothing.md", "/docs/../quickstart", "/docs/nothing/"):
        assert client.get(path).status_code == 404, path


def test_the_answer_about_rate_limits_has_the_anchor_that_others_link_to_and_the_numbers_that_apply(client):
    html = client.get("/docs/faq").content.decode()
    answer = html.partition('<div class="answer prose" id="how-are-rate-limits-calculated">')[2].partition("</div>")[0]
    for number in ("$10", "1,000 requests a day", "otherwise 50", "20 a minute"):
        assert number in answer
    assert 'id="pricing-and-fees"' in html


def test_the_quickstart_leads_to_the_limits_of_free_models_and_to_attribution(get):
    links = get("/docs/quickstart").links
    assert "/docs/faq#how-are-rate-limits-calculated" in links and "/docs/app-attribution" in links


def test_the_guide_to_attribution_names_both_headers_and_what_becomes_of_them(get):
    text = " ".join(get("/docs/app-attribution").texts)
    for part in ("HTTP-Referer", "X-Title", "200 characters", "100 characters", "optional"):
        assert part in text


@pytest.mark.parametrize("slug", ["for-providers", "volume"])
def test_providers_and_large_customers_find_an_address_to_write_to(get, settings, slug):
    settings.SUPPORT_EMAIL = "hello@models.example"
    page = get(f"/docs/{slug}")
    assert "mailto:hello@models.example" in page.links
    assert {"for-providers": "how-to-apply", "volume": "volume-discounts"}[slug] in page.ids


def test_numbers_are_those_of_the_settings(client, settings):
    settings.PURCHASE_FEES = {"stripe": (625, 90), "coinbase": (100, 0)}
    settings.BYOK_FREE_SHARE, settings.BYOK_FEE_PERCENT = "list_price", settings.BYOK_FEE_PERCENT * 2
    settings.CREDITS_EXPIRE, settings.FREE_ALLOWANCE_CENTS = True, 0
    settings.SITE_URL = "https://models.example"
    html = client.get("/docs/faq").content.decode()
    assert "6.25%, at least $0.90" in html and "it is 1%" in html
    assert "The first $25,000 of list price" in html and "it is 10% of the list price" in html
    assert "expire one year after their purchase" in html and "get no free credit here" in html
    pricing = client.get("/pricing").content.decode()
    assert "6.25%, at least $0.90" in pricing and "$106.25" in pricing
    assert "https://models.example/api/v1/chat/completions" in client.get("/docs/quickstart.md").content.decode()


def test_a_name_that_is_no_fact_is_an_error():
    assert fill("{{ site_name }}", {"site_name": "Here"}) == "Here"
    with pytest.raises(KeyError):
        fill("{{sight_name}}", values())


def test_a_page_is_kept_by_the_browser_and_its_script_matches_the_policy_that_comes_with_304(client):
    first = client.get("/docs/limits")
    script = re.search(r'<script type="importmap"[^>]*>(.*?)</script>', first.content.decode(), re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script[1].encode()).digest()).decode()
    assert f"'sha256-{digest}'" in first["Content-Security-Policy"] and "nonce" not in first["Content-Security-Policy"]
    again = client.get("/docs/limits", headers={"If-None-Match": first["ETag"]})
    assert again.status_code == 304 and not again.content
    assert again["Content-Security-Policy"] == first["Content-Security-Policy"]
    client.cookies["theme"] = "dark"
    assert client.get("/docs/limits", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_a_members_page_is_not_kept_for_another_balance(client, alice):
    client.force_login(alice)
    first = client.get("/docs/limits")
    assert first["Cache-Control"] == "private, no-cache" and "Sign in" not in first.content.decode()
    assert client.get("/docs/limits", headers={"If-None-Match": first["ETag"]}).status_code == 304
    client.logout()
    assert client.get("/docs/limits", headers={"If-None-Match": first["ETag"]}).status_code == 200


def test_pages_are_also_markdown(client):
    response = client.get("/docs/errors.md")
    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    assert response.content.decode().startswith("# Errors\n\n> The form of an error")


def test_pages_can_be_edited_where_the_repository_is_known(client, settings):
    assert "Edit this page" not in client.get("/docs/limits").content.decode()
    settings.REPOSITORY_URL = "https://github.com/example/site"
    library._library.cache_clear()
    link = 'href="https://github.com/example/site/edit/main/documentation/pages/limits.md"'
    assert link in client.get("/docs/limits").content.decode()
    assert "Edit this page" not in client.get("/docs/api-reference/chat").content.decode()
    library._library.cache_clear()


def test_the_reference_has_every_operation(client):
    from api.router import api

    chapters = " ".join(chapter.text()[1] for chapter in reference.chapters())
    for path, item in api.get_openapi_schema()["paths"].items():
        for method in item:
            assert f"```http\n{method.upper()} {path}\n```" in chapters
    html = client.get("/docs/api-reference/chat").content.decode()
    assert "messages[].role" in html and "provider.max_price" in html and "Events of a stream" in html


# --- Markdown ---------------------------------------------------------------------------------------------------------


def test_fences_in_tabs_are_one_block_with_a_panel_each():
    html = rendered("::: tabs\n```shell\ncurl x\n```\n\n```python\nprint(1)\n```\n:::").html
    assert html.count("<figure") == 1 and html.count('role="tabpanel"') == 2
    assert 'data-tab="curl"' in html and 'data-tab="python"' in html and "data-copy" in html


def test_code_is_colored_by_classes_and_escaped():
    html = rendered('```python\nprint("<b>")  # note\n```').html
    assert '<span class="hs">&quot;&lt;b&gt;&quot;</span>' in html and '<span class="hc"># note</span>' in html
    assert "style=" not in html


def test_html_in_a_page_is_text():
    assert "<script" not in rendered("<script>alert(1)</script>\n\n[x](javascript:alert(1))").html


def test_what_follows_a_question_is_inside_its_answer():
    html = rendered("## A\n\n### B?\n\nYes.\n\n### C?\n\nNo.\n\n## D\n\nEnd.", questions=True).html
    first, second = re.findall(r'<details class="question"><summary><h3>(.)\?</h3></summary><div[^>]* id="(.)">', html)
    assert (first, second) == (("B", "b"), ("C", "c"))
    assert html.count("<details") == html.count("</details>") == 2
    assert html.rindex("</details>") < html.index("<h2", html.index("No."))
