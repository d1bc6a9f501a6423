"""The operator's pages about syncs, in a browser: a source's changes as a table, refused if too large, and applied."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.accessibility import check_looks
from tests.browser.operators.test_operators import MAKE_OPERATOR, wide
from tests.browser.people import enter, new_person
from tests.support.processes import Site

from .json_server import Source, serving
from .test_sync import api, listed

PRICES = "SELECT pricing FROM models_catalog_endpoint WHERE model_id = 'openai/gpt-4o' AND tag = 'openai'"


@pytest.fixture
def source() -> Iterator[Source]:
    with serving() as source:
        yield source


@pytest.fixture
def following(source: Source, tmp_path: Path) -> Iterator[Site]:
    """A site that follows the source."""
    name = f"models.dev:{source.url}/api.json"
    allowed = {"CATALOG_SYNC_SOURCES": name, "FETCH_ALLOWED_NETWORKS": "127.0.0.1/32"}
    with Site(tmp_path, processes=("web",), **allowed) as site:
        yield site


def test_an_operator_looks_at_the_changes_of_a_source_and_applies_them(following: Site, source: Source, page: Page):
    site, operator = following, new_person(following)
    site.manage("shell", "--no-imports", "-c", MAKE_OPERATOR.format(person=operator))
    limits = {"context": 128_000, "output": 16_384}
    source.documents["/api.json"] = api(openai=[listed("gpt-4o", 2, 8, limit=limits)], stranger=[listed("odd", 1, 2)])

    enter(page, site, operator, "/admin/models_catalog/cataloguesync/")
    check_looks(page)
    wide(page)
    page.get_by_role("link", name="models.dev:http").click()
    changes = page.get_by_role("region", name="Changes")
    price = changes.get_by_role("row").filter(has_text="openai/gpt-4o at openai")
    expect(price.get_by_role("cell").nth(1)).to_contain_text("prompt $2.5")
    expect(price.get_by_role("cell").nth(2)).to_contain_text("prompt $2, completion $8")
    expect(page.get_by_text("1 at providers that the catalog doesn't know: odd at stranger")).to_be_visible()
    check_looks(page)
    wide(page)
    before = site.rows(PRICES)
    assert '"0.0000025"' in before[0][0], "looking changes nothing"

    # The source changes between the look and the decision, so that the table must be read again.
    source.documents["/api.json"] = api(openai=[listed("gpt-4o", 0.01, 0.02, limit=limits)])
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("larger than usual, so the source is refused")).to_be_visible()
    assert site.rows(PRICES) == before
    check_looks(page)
    wide(page)

    source.documents["/api.json"] = api(openai=[listed("gpt-4o", 2, 8, limit=limits)])
    page.reload()
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Applied.").first).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="Applied")).to_contain_text("1 price")
    assert '"0.000002"' in site.rows(PRICES)[0][0]
    check_looks(page)
    wide(page)
    page.locator("#result_list tbody th a").first.click()
    expect(page.get_by_text("Applied").first).to_be_visible()
    check_looks(page)

    page.goto(f"{site.url}/openai/gpt-4o#price-history")
    expect(page.get_by_role("region", name="Price changes").get_by_role("row").nth(1)).to_contain_text("−20%")
    check_looks(page)
