"""The model page: performance, uptime and usage, and which keys may use the model."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from activity.models import ModelDay
from common.clock import utc_now
from gateway.models import EndpointDay, EndpointMinute
from guardrails import saving as guardrails
from guardrails.models import Assignment
from keys import issuing
from models_catalog import catalog
from models_catalog.models import Endpoint
from tests.models_catalog.browser.test_pages import page


def served(tag: str, ok: int, *, speed: int = 41, errors: int = 0, minutes: int = 3) -> None:
    """Answers in the last half hour; a `speed` of 41 is 50 tokens a second, of 48 is 97."""
    EndpointMinute.objects.create(
        process_id="one", model="acme/large", tag=tag, minute=utc_now() - timedelta(minutes=minutes), ok=ok,
        errors=errors, latency={"70": ok}, throughput={str(speed): ok},
    )  # fmt: skip


def row_of(text: str, name: str) -> str:
    """The row of an endpoint in the table of percentiles."""
    return next(row for row in text.split("<tr>") if row.startswith(f'<th scope="row">{name}</th>'))


def test_percentiles_are_shown_from_twenty_answers_on(shop):
    served("alpha", 20)
    served("beta", 19, speed=20)
    text = page("/acme/large")
    alpha, beta = row_of(text, "Alpha"), row_of(text, "Beta")
    assert re.findall(r'<td class="n">([^<]+)</td>', alpha) == ["0.79"] * 4 + ["50"] * 4
    assert beta.count("Fewer than 20 answers") == 2 and ">7<" not in beta
    assert "50 tok/s" in text and "7 tok/s" not in text


def test_the_fastest_is_marked_if_two_were_measured(shop):
    served("alpha", 20)
    assert ">Fastest<" not in page("/acme/large")


def test_the_fastest_is_the_one_with_the_highest_median_and_the_table_sorts_by_it(shop):
    served("alpha", 20)
    served("beta", 20, speed=48)
    text = page("/acme/large?sort=throughput")
    assert re.findall(r'class="slug"><code>([^<]+)</code>', text) == ["beta", "alpha"]
    assert text.count(">Fastest<") == 1 and text.index(">Fastest<") < text.index(">Cheapest<")


def test_uptime_and_days_are_drawn_with_their_numbers(shop):
    served("alpha", 190, errors=10)
    today = utc_now().date()
    for ago, ok, errors in ((0, 100, 0), (3, 85, 15), (29, 0, 100), (30, 0, 5000)):
        EndpointDay.objects.create(
            day=today - timedelta(days=ago), model="acme/large", tag="alpha", until=utc_now(), ok=ok, errors=errors,
            latency={"70": ok}, throughput={"41": ok},
        )  # fmt: skip
    text = page("/acme/large")
    assert "95%<span" in text and "61.67%<span" in text  # 185 of 300 in 30 days
    assert text.count('<rect class="ok"') == 3 and text.count('<rect class="warn"') == 1
    assert text.count('<rect class="bad"') == 1
    assert "Latency per day" in text and "Throughput per day" in text
    assert text.count('<td class="n">0.79 s</td>') == 2


def test_a_model_that_was_not_used_says_what_will_appear(shop):
    text = page("/acme/large")
    assert "Not measured yet" in text and "No usage yet" in text and "Fewer than 20" not in text


def test_the_tokens_of_a_model_and_of_an_author_by_day(shop):
    today = utc_now().date()
    for model, ago, tokens in (
        ("acme/large", 0, 1000),
        ("acme/large", 29, 500),
        ("acme/small", 1, 7),
        ("acmeish/x", 1, 9),
    ):
        ModelDay.objects.create(
            day=today - timedelta(days=ago), model=model, requests=1, prompt_tokens=tokens, completion_tokens=tokens
        )
    text = page("/acme/large")
    assert '<b class="num">3K</b> tokens in the last 30 days' in text and "Completion" in text
    text = page("/acme")
    assert "3 models, 3K tokens in the last 30 days" in text
    assert re.findall(r"<code>(acme/[^<]+)</code>", text) == ["acme/large:free", "acme/large", "acme/small"]
    assert '<td class="n">14</td>' in text


def test_a_provider_shows_its_policy_models_and_uptime(shop):
    served("alpha", 1)
    EndpointDay.objects.create(
        day=utc_now().date(), model="acme/large", tag="alpha/turbo", until=utc_now(), ok=150, errors=50
    )
    text = page("/provider/alpha")
    for shown in ("<h1>Alpha</h1>", "Zero data retention", "France", "3 models", "$2.50", "$10.00", "75%<span"):
        assert shown in text
    assert re.findall(r"<code>([^<]+/[^<]+)</code>", text) == ["umbra/reader-7b", "acme/large", "acme/small"]
    assert text.count("Unverified policy") == 0 and text.count("May train on prompts") == 0
    Endpoint.objects.filter(model="acme/small").update(trains=True)
    catalog.touch()
    assert page("/provider/alpha").count("May train on prompts") == 1
    assert "Not measured yet" in page("/provider/beta")
    assert 'href="/provider/alpha"' in page("/providers") and 'href="/provider/alpha"' in page("/acme/large")


def test_unknown_providers_and_authors_are_404_with_similar_ones(shop):
    assert 'href="/provider/alpha"' in page("/provider/alpa", 404)
    assert "No provider has a similar name" in page("/provider/%3Cb%3E", 404)
    assert "no author called acne" in page("/acne", 404) and 'href="/acme"' in page("/acne", 404)
    assert "no author called" not in page("/nothing-like-it", 404)


@pytest.mark.parametrize("path", ["/acme/large", "/provider/alpha", "/acme"])
def test_the_number_of_queries_does_not_grow_with_use(shop, path, django_assert_max_num_queries):
    for number in range(30):
        served("alpha", 20, minutes=number)
        served(f"alpha/{number}", 20, minutes=number)
        ModelDay.objects.create(day=utc_now().date() - timedelta(days=number), model="acme/large", prompt_tokens=5)
    client = Client()
    client.get("/models")  # the catalog is in memory
    with django_assert_max_num_queries(5):
        client.get(path)


def test_a_reader_sees_which_of_their_keys_may_use_the_model(shop, alice, alice_client):
    assert "for this model" not in page("/acme/large") and "no API key" not in page("/acme/large")
    assert "You have no API key" in alice_client.get("/acme/large").content.decode()
    organisation = alice.personal_organisation
    for name, fields in {
        "Open": {},
        "Of the author": {"allowed_models": ["acme/*"]},
        "Of another": {"allowed_models": ["umbra/reader-7b"]},
        "Off": {"disabled": True},
        "Guarded": {},
    }.items():
        key, _ = issuing.create(organisation, alice, name)
        for field, value in fields.items():
            setattr(key, field, value)
        key.save()
    guardrail = guardrails.create(organisation, name="Small only", allowed_models=["acme/small"])
    Assignment.objects.create(organisation=organisation, guardrail=guardrail, key=key)
    text = alice_client.get("/acme/large").content.decode()
    assert re.findall(r"<bdi>([^<]+)</bdi></a>", text.partition("your-keys")[2].partition("</p>")[0]) == [
        "Of the author",
        "Open",
    ]
    assert "/settings/keys/create" in text
