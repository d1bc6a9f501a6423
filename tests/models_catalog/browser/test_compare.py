"""Models side by side."""

import html
import re

import pytest
from django.test import Client

from models_catalog import catalog, exclusions
from models_catalog.browser.compare import compare
from models_catalog.metrics import measurements
from models_catalog.models import Provider
from tests.models_catalog.browser.search.test_figures import minute
from tests.models_catalog.browser.test_pages import page


def cells(text: str, label: str) -> list[str]:
    """The texts of a line."""
    line = re.search(rf'<tr[^>]*><th scope="row" class="sticky">(?:<code>)?{label}(?:</code>)?</th>(.*?)</tr>', text)
    assert line, label
    found = re.findall(r"<td>(.*?)</td>", line[1])
    return [html.unescape(re.sub(r"<[^>]+>", "", each)) for each in found]


def test_models_are_compared_in_the_order_of_the_address(shop):
    minute("acme/large", latency=900, throughput=120)
    minute("acme/small", latency=200, throughput=30)
    measurements.clear()
    text = page("/compare?models=acme/large,acme/small,umbra/reader-7b")
    assert re.findall(r'<th scope="col"><a href="([^"]+)"', text) == ["/acme/large", "/acme/small", "/umbra/reader-7b"]
    assert cells(text, "Prompt, per million tokens") == ["$2.50", "$0.10 Cheapest", "$1.00"]
    assert cells(text, "Context, tokens") == ["200,000", "32,000", "1,000,000 Largest"]
    assert cells(text, "Request, per thousand requests") == ["–", "–", "$10.00"]
    assert cells(text, "Providers") == ["Alpha, Beta", "Alpha", "Alpha"]
    assert cells(text, "Zero data retention") == ["1 of 2", "1 of 1", "1 of 1"]
    latency, throughput = cells(text, "Latency"), cells(text, "Throughput")
    assert latency[1].endswith("Fastest") and latency[2] == "–" and "Fastest" not in latency[0]
    assert throughput[0].endswith("Fastest") and throughput[2] == "–"
    assert cells(text, "tools") == ["Yes", "No", "Yes"]
    assert 'href="?models=acme/large,umbra/reader-7b"' in text  # removes the small one


def test_only_lines_with_differences_are_highlighted(shop):
    catalogue = catalog.current()
    groups = compare([catalogue.models["acme/large"], catalogue.models["acme/large:free"]])
    lines = {line.label: line for group in groups for line in group.lines}
    assert not lines["Context, tokens"].differs and not any(cell.mark for cell in lines["Context, tokens"].cells)
    assert lines["Prompt, per million tokens"].differs
    assert [cell.text for cell in lines["Prompt, per million tokens"].cells] == ["$2.50", "Free"]
    assert [cell.mark for cell in lines["Prompt, per million tokens"].cells] == ["", "Cheapest"]
    assert "Knowledge cutoff" not in lines  # known of neither
    (alone,) = [
        line for group in compare([catalogue.models["acme/large"]]) for line in group.lines if line.label == "Author"
    ]
    assert not alone.differs


def test_without_models_the_page_says_how_to_add_some(shop):
    text = page("/compare")
    assert "No models to compare" in text and "<table" not in text
    assert 'name="search"' in text and 'href="/models"' in text


def test_a_search_offers_models_to_add(shop):
    text = page("/compare?models=acme/large&search=acme")
    assert re.findall(r'class="btn small" href="\?models=([^"]+)"', text) == [
        "acme/large,acme/large:free",
        "acme/large,acme/small",
    ]
    alone = Client(headers={"HX-Request": "true", "HX-Target": "matches"}).get(
        "/compare?models=acme/large&search=zebra"
    )
    assert alone.content.decode().lstrip().startswith('<div id="matches"')
    assert "No model matches “zebra”" in alone.content.decode()


def test_at_most_four_models_are_compared(bundled):
    ids = list(bundled.models)[:6]
    text = page(f"/compare?models={','.join(ids[:3])}&models={','.join(ids[2:])}")
    assert text.count('<th scope="col"><a') == 4
    assert "Only the first 4 models are compared" in text and bundled.models[ids[4]].name in html.unescape(text)
    assert 'name="search"' not in text.partition("<main")[2]


def test_an_unknown_model_is_named_with_similar_ones(shop):
    text = page("/compare?models=acme/larg,acme/small")
    assert "Model <code>acme/larg</code> not found. Did you mean" in text
    assert 'href="?models=acme/small,acme/large"' in text
    assert text.count('<th scope="col"><a') == 1
    hostile = page("/compare?models=<script>alert(1)</script>&search=<script>alert(2)</script>")
    assert "<script>alert" not in hostile


def test_an_alias_is_compared_as_its_model(bundled):
    alias = next(iter(bundled.aliases.values()))
    assert alias.alias_of
    assert f'<th scope="col"><a href="/{alias.alias_of.id}"' in page(f"/compare?models={alias.id},{alias.alias_of.id}")


def test_the_long_address_leads_to_the_comparison(shop):
    response = Client().get("/models/compare?models=acme/small")
    assert (response.status_code, response["Location"]) == (301, "/compare?models=acme/small")


@pytest.mark.parametrize(
    "query", ["models=" + "x" * 5000, "models=%00", "models=,,,", "search=" + "y" * 5000, "models=%ff"]
)
def test_hostile_queries_are_answered(shop, query):
    assert "<h1" in page(f"/compare?{query}")


def test_what_the_catalogue_says_cannot_break_out(shop):
    Provider.objects.filter(slug="alpha").update(name="<img src=x>")
    catalog.touch()
    assert "<img" not in page("/compare?models=acme/small").partition("<main")[2]


def test_models_that_settings_exclude_are_marked_with_the_reason(shop, alice_client, monkeypatch):
    excluded = {"acme/large": exclusions.Exclusion("Every provider trains on prompts.", "/settings/privacy")}
    monkeypatch.setattr(exclusions, "_source", lambda _organisation: excluded)
    text = alice_client.get("/compare?models=acme/large,acme/small").content.decode()
    assert text.count("Excluded by your settings") == 1
    assert '<a href="/settings/privacy">Every provider trains on prompts.</a>' in text
    assert "Excluded by your settings" not in page("/compare?models=acme/large")
    assert "Every provider trains" in alice_client.get("/models").content.decode()
    assert "Every provider trains" not in page("/models")  # a row is kept for each kind of reader
