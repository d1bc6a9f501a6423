"""The page of a model."""

import html
import re

import pytest
from django.test import Client
from django.urls import resolve, reverse

from models_catalog import catalog
from models_catalog.models import Endpoint
from tests.models_catalog.browser.test_pages import page


def test_a_model_page_shows_prices_providers_and_code(shop):
    text = page("/acme/large")
    assert "<h1>Acme: Large</h1>" in text
    for shown in ("$2.50", "$10.00", "$3.00", "$15.00", "200,000 tokens", "Unverified policy", "Zero data retention"):
        assert shown in text
    assert 'data-copy="alpha"' in text and 'data-copy="beta"' in text
    assert "/chat?model=acme/large" in text
    for code in ("from openai import OpenAI", "import OpenAI from", "requests.post(", "curl http"):
        assert code in text
    assert text.count("/api/v1") >= 4
    assert html.unescape(text).count('"acme/large"') >= 4
    assert "acme/large:free" in text  # the other variant


def test_every_price_that_is_not_zero_is_shown_with_its_unit(shop):
    text = page("/umbra/reader-7b")
    rows = re.findall(r'<tr><th scope="row">([^<]+)</th>(.*?)<td class="muted">([^<]+)</td></tr>', text)
    shown = {label: (re.findall(r'<td class="n">([^<]+)</td>', cells), unit) for label, cells, unit in rows}
    assert shown == {
        "Prompt": (["$1.00", "$2.00"], "million tokens"),
        "Completion": (["$2.00", "$4.00"], "million tokens"),
        "Cache read": (["$0.10", "$0.10"], "million tokens"),
        "Request": (["$10.00", "$10.00"], "thousand requests"),
    }
    assert "Above 200K" in text


@pytest.mark.parametrize(
    ("order", "tags"),
    [
        ("", ["alpha", "beta"]),
        ("context", ["beta", "alpha"]),
        ("length", ["alpha", "beta"]),
        ("<x>", ["alpha", "beta"]),
    ],
)
def test_the_providers_can_be_sorted_by_a_link(shop, order, tags):
    text = page(f"/acme/large?sort={order}")
    assert re.findall(r'class="slug"><code>([^<]+)</code>', text) == tags
    assert text.count("aria-sort=") == 1
    assert 'href="?sort=context#providers"' in text


def test_the_cheapest_is_marked_unless_all_cost_the_same(shop):
    assert page("/acme/large").count(">Cheapest<") == 1
    beta = Endpoint.objects.get(model="acme/large", tag="beta")
    beta.pricing = {"prompt": "0.0000025", "completion": "0.00001"}
    beta.save()
    catalog.touch()
    assert ">Cheapest<" not in page("/acme/large")


def test_a_free_model_says_free_and_has_no_price_list(shop):
    text = page("/acme/large:free")
    assert ">Free<" in text and 'id="prices"' not in text and "$0" not in text


def test_an_unknown_model_is_a_404_that_offers_similar_ones(shop):
    text = page("/acme/larg", 404)
    assert "Model acme/larg not found" in text
    assert 'href="/acme/large"' in text
    assert "&lt;" not in page("/acme/none", 404)


@pytest.mark.parametrize("variant", ["nitro", "floor", "online", "exacto"])
def test_a_variant_of_routing_leads_to_the_model(shop, variant):
    response = Client().get(f"/acme/large:{variant}")
    assert (response.status_code, response["Location"]) == (302, "/acme/large")
    assert Client().get(f"/acme/huge:{variant}").status_code == 404


def test_the_long_address_leads_to_the_short_one(shop):
    response = Client().get("/models/acme/large:free")
    assert (response.status_code, response["Location"]) == (301, "/acme/large:free")


def test_every_bundled_model_has_a_page_that_renders(bundled):
    client = Client()
    for model in list(bundled.models.values())[::9]:
        path = reverse("models_catalog:model", args=(model.author, model.slug))
        assert path == f"/{model.id}"
        assert client.get(path).status_code == 200, model.id


@pytest.mark.parametrize(
    "path",
    [
        "/settings/keys",
        "/settings/credits",
        "/webhooks/stripe",
        "/api/v1/models",
        "/api/v1",
        "/account/login/",
        "/admin/login/",
    ],
)
def test_no_fixed_route_is_taken_for_a_model(path):
    try:
        name = resolve(path).view_name
    except Exception:  # nothing there: not ours either
        return
    assert name != "models_catalog:model"


def test_a_missing_last_slash_is_still_added(db):
    assert Client().get("/account/login").status_code == 301
