"""Orders and filters by traffic, and the filters that follow from policies and places."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from activity.models import USES, App, AppDay, ModelDay
from activity.rankings.tables import model_usage
from common.clock import utc_now
from gateway.models import EndpointMinute
from gateway.routing.health import bucket
from models_catalog import catalog
from models_catalog.browser.search.browse import find
from models_catalog.browser.search.query import CATEGORIES, Query
from models_catalog.metrics import measurements
from models_catalog.models import Model, Provider
from tests.models_catalog.browser.search.test_browse import ids
from tests.models_catalog.browser.test_pages import listed, page


def minute(model: str, *, latency: float, throughput: float, count: int = 20, **fields: object) -> EndpointMinute:
    return EndpointMinute.objects.create(
        **{
            "process_id": "one",
            "model": model,
            "tag": "alpha",
            "minute": utc_now().replace(second=0, microsecond=0),
            "ok": count,
            "latency": {bucket(latency): count},
            "throughput": {bucket(throughput): count},
        }
        | fields
    )


@pytest.fixture
def traffic(shop) -> None:
    """The small model is quick to start, the large one fast; the reader was used too little to tell."""
    minute("acme/small", latency=200, throughput=30, sound_tools=18, unsound_tools=2)
    minute("acme/large", latency=900, throughput=120, tag="beta", sound_tools=20)
    minute("acme/large", latency=900, throughput=120, ok=100, errors=100)
    minute("umbra/reader-7b", latency=10, throughput=900, count=19)
    minute("acme/large:free", latency=1, throughput=999, minute=utc_now() - timedelta(hours=1))
    today = utc_now().date()
    for model, day, tokens in (
        ("umbra/reader-7b", 0, 5),
        ("umbra/reader-7b", 6, 600),
        ("acme/large", 1, 500),
        ("acme/small", 7, 9_000),
    ):
        ModelDay.objects.create(day=today - timedelta(days=day), model=model, prompt_tokens=tokens, requests=1)
    measurements.clear()


@pytest.mark.parametrize(
    ("sort", "expected", "unmeasured"),
    [
        ("latency-low-to-high", ["acme/small", "acme/large", "umbra/reader-7b", "acme/large:free"], 2),
        ("throughput-high-to-low", ["acme/large", "acme/small", "umbra/reader-7b", "acme/large:free"], 2),
        ("top-weekly", ["umbra/reader-7b", "acme/large", "acme/large:free", "acme/small"], 2),
        ("most-popular", ["umbra/reader-7b", "acme/large", "acme/large:free", "acme/small"], 2),
    ],
)
def test_measured_orders_put_models_without_enough_traffic_last(traffic, sort, expected, unmeasured):
    found = find(catalog.current(), Query(sort=sort))
    assert [model.id for model in found.models] == expected
    assert found.unmeasured == unmeasured
    text = page(f"/models?sort={sort}&view=table")
    assert listed(text) == expected and text.count("aria-sort=") == 1
    assert "2 of these models" in text and "They come last" in text
    assert [row["id"] for row in Client().get(f"/api/v1/models?sort={sort}").json()["data"]] == expected


def test_figures_are_shown_with_the_models(traffic):
    text = page("/models?q=large&variant=standard")
    assert re.search(r"<b>0\.[89]\d s</b> latency", text)  # buckets are exact to 5%
    assert "tok/s" in text and "<b>500</b> tokens in 7 days" in text
    assert "too little traffic" not in text


def test_without_traffic_a_measured_order_says_so(shop):
    text = page("/models?sort=latency-low-to-high")
    assert "None of these models had enough traffic" in text
    assert listed(text) == ["umbra/reader-7b", "acme/large:free", "acme/large", "acme/small"]


def test_figures_are_read_once_a_minute(traffic, django_assert_num_queries):
    measurements.of_models()
    with django_assert_num_queries(0):
        measurements.of_models()


def test_models_are_found_by_their_share_of_sound_tool_calls(traffic):
    assert ids("min_tool_success_rate=0.95") == ["acme/large"]
    assert ids("max_tool_success_rate=0.9") == ["acme/small"]
    assert ids("min_coding_index=0") == []  # the catalog has no such figure


def test_models_are_found_by_what_they_are_used_for(traffic):
    app = App.objects.create(slug="editor.example", use="marketing/seo")
    hidden = App.objects.create(slug="blocked.example", use="legal", blocked=True)
    for each in (app, hidden):
        AppDay.objects.create(app=each, day=utc_now().date(), model="acme/large", prompt_tokens=1, requests=1)
    measurements.clear()
    assert model_usage.recent()["acme/large"].categories == {"marketing", "marketing/seo"}
    assert ids("category=marketing") == ids("category=marketing/seo,trivia") == ["acme/large"]
    assert ids("category=legal") == []
    text = page("/models?category=marketing")
    assert 'name="category" value="marketing" data-facet="category" checked' in text
    assert "Category: Marketing" in text and 'value="trivia"' not in text


def test_categories_are_the_uses_that_rankings_know():
    assert set(CATEGORIES) == set(USES)


def test_models_are_found_by_place_license_and_tokenizer(shop):
    Provider.objects.filter(slug="alpha").update(datacenters=["FR", "DE"])
    Provider.objects.filter(slug="beta").update(datacenters=["US", "FR"])
    Model.objects.filter(id="acme/small").update(open_weights=True, tokenizer="Llama3")
    catalog.touch()
    assert ids("region=eu") == ["umbra/reader-7b", "acme/large", "acme/small"]
    assert ids("region=us") == []  # one of its data centers is elsewhere
    assert ids("distillable=true") == ["acme/small"]
    assert ids("distillable=false") == ["umbra/reader-7b", "acme/large:free", "acme/large"]
    text = page("/models?arch=llama3")
    assert listed(text) == ["acme/small"]
    assert 'name="arch" value="Llama3" data-facet="arch" checked' in text


def test_more_models_come_without_the_page(bundled):
    headers = {"HX-Request": "true", "HX-Target": "more"}
    response = Client(headers=headers).get("/models?page=2&compare=openai/gpt-4o")
    text = response.content.decode()
    assert len(listed(text)) == 50 and text.lstrip().startswith("<li>") and 'id="results"' not in text
    assert "page=3" in text and "compare=openai/gpt-4o" in text
    assert "HX-Push-Url" not in response and "HX-Target" in response["Vary"]
    assert Client(headers=headers).get("/models?page=9&view=table").content.decode().count("<tr") == 22


def test_a_row_shows_each_reader_their_own(shop, alice_client):
    first = page("/models?compare=acme/large")
    assert 'value="acme/large" checked' in first and "1 of 4 models to compare" in first
    assert 'href="/compare?models=acme/large"' in first
    assert 'value="acme/large" checked' not in alice_client.get("/models").content.decode()
    elsewhere = page("/models?compare=acme/large,acme/none&compare=acme/small&q=reader")
    assert '<input type="hidden" name="compare" value="acme/large">' in elsewhere
    assert "2 of 4 models" in elsewhere and 'value="acme/none"' not in elsewhere
    assert 'href="/compare?models=acme/large,acme/small"' in elsewhere
