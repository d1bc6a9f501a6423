"""The history of prices on a model's page."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from common.clock import utc_now
from models_catalog import catalog
from models_catalog.browser.model_page.price_changes import SHOWN, price_changes
from models_catalog.models import Endpoint, EndpointPrice

pytestmark = pytest.mark.django_db


def reprice(model: str, tag: str, **prices: str) -> None:
    """Set prices of an endpoint, and date all rows before two days back."""
    EndpointPrice.objects.filter(model=model).update(valid_from=utc_now() - timedelta(days=2))
    endpoint = Endpoint.objects.get(model=model, tag=tag)
    endpoint.pricing |= prices
    endpoint.save()
    catalog.touch()


def text_of(path: str) -> str:
    """The words of the section, without tags."""
    page = Client().get(path).content.decode()
    section = page.partition('<section id="price-history"')[2].partition("</section>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", section.partition(">")[2]).split()).replace(" .", ".")


def test_a_changed_price_is_shown_with_its_day_and_the_difference(shop):
    reprice("acme/large", "beta", prompt="0.000006", completion="0.0000145")
    text = text_of("/acme/large")
    assert "Date Provider Input Output" in text and "USD per million tokens" in text
    assert "Beta $6.00 +100% $14.50 \N{MINUS SIGN}3.3%" in text and "Alpha" not in text


def test_without_a_change_the_page_says_since_when(shop):
    EndpointPrice.objects.update(valid_from="2026-03-04T12:00:00Z")
    assert "The price has not changed since 4 Mar 2026." in text_of("/acme/small")
    assert "No provider has changed its price since 4 Mar 2026." in text_of("/acme/large")
    reprice("acme/large", "beta", input_cache_read="0.0000003")
    assert "No provider has changed its price since" in text_of("/acme/large")


def test_a_catalog_without_recorded_prices_says_so(shop):
    EndpointPrice.objects.all().delete()
    assert "No price is recorded yet." in text_of("/acme/small")


def test_older_changes_open_below_the_newest(shop):
    now = utc_now()
    EndpointPrice.objects.filter(model="acme/small").delete()
    EndpointPrice.objects.bulk_create(
        EndpointPrice(
            model="acme/small",
            tag=tag,
            pricing={"prompt": f"0.00000{number + 1}", "request": f"0.00{number + 1}"},
            valid_from=now + timedelta(days=number),
            valid_until=now,
        )
        for tag in ("alpha", "gone")
        for number in range(SHOWN + 2)
    )
    found = price_changes("acme/small", "chat", {"alpha": "Alpha"})
    assert (len(found.recent), len(found.older), found.since) == (SHOWN, 1, now)
    assert found.recent[0].at > found.older[0].at and {each.name for each in found.changes} == {"Alpha"}
    assert "Older changes (1)" in text_of("/acme/small")
    assert [each.labels for each in (price_changes("acme/small", task, {}) for task in ("embeddings", "rerank"))] == [
        ("Input",),
        ("Search",),
    ]


@pytest.mark.parametrize(
    ("before", "after", "shown"),
    [
        ("0.000001", "0.00000100001", "+0.1%"),
        ("0.000001", "0", "\N{MINUS SIGN}100%"),
        ("0", "0.000001", ""),
        ("0.0000001", "0.000003", "+2,900%"),
        ("0.00001", "0.000009999", "\N{MINUS SIGN}0.1%"),
        ("0.000002", "0.0000018", "\N{MINUS SIGN}10%"),
    ],
)
def test_a_difference_is_rounded_and_never_zero(shop, before, after, shown):
    reprice("acme/small", "alpha", prompt=before)
    reprice("acme/small", "alpha", prompt=after)
    assert price_changes("acme/small", "chat", {"alpha": "Alpha"}).changes[0].prices[0].change == shown
