"""`models`: the next model answers after any failure of the one before it, and is the one reported and billed."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async

from tests.gateway import factory
from tests.gateway.factory import usd
from tests.gateway.protocols.test_chat_completions import events_of

FIRST, SECOND = "acme/first", "acme/second"


@pytest.fixture
async def two(api: Any) -> Any:
    """Alice's client, with two models, each at a provider of its own."""
    await sync_to_async(serve)()
    return api


def serve() -> None:
    short = {"context_length": 9_000, "max_completion_tokens": 500}
    factory.endpoint(factory.model(FIRST, **short), "early", factory.CHEAP, **short)
    factory.endpoint(factory.model(SECOND, input_modalities=["text"]), "late", factory.DEAR)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("fault", "status"),
    [
        ("429", 429),
        ("503", 503),
        ("reset", 502),
        ("moderation", 403),
        ("context-length", 400),
        ("content-filter", 400),
        ("content-filter:0", 400),  # the model itself refuses: no text, and the finish reason
    ],
)
async def test_the_next_model_answers_after_any_failure(two, fault, status, stream):
    response = await two.chat(models=[SECOND], model=FIRST, fault=f"early={fault}", tokens=10, stream=stream)
    body = events_of(response.text)[-1] if stream else response.json()
    assert response.status_code == 200
    assert body["model"] == SECOND
    row = await two.generation(body["id"])
    assert [(attempt["model"], attempt["status"]) for attempt in row.attempts] == [(FIRST, status), (SECOND, 200)]
    assert (row.requested_model, row.model) == (FIRST, SECOND)
    assert row.cost == row.prompt_tokens * usd("0.000002") + 10 * usd("0.000004")
    await two.assert_books_balance()


async def test_the_last_model_may_refuse(two):
    """There is nothing left to try: the refusal is the response, with its finish reason."""
    body = (await two.chat(model=SECOND, models=[FIRST], fault="*=content-filter:0")).json()
    assert body["model"] == FIRST
    assert body["choices"][0]["finish_reason"] == "content_filter"


async def test_the_error_of_the_last_model_is_returned(two):
    response = await two.chat(model=FIRST, models=[SECOND], fault="early=503; late=context-length")
    error = response.json()["error"]
    assert response.status_code == 400
    assert error["metadata"]["error_type"] == "context_length_exceeded"
    assert [one["code"] for one in error["metadata"]["previous_errors"]] == [503]
    assert (await two.account()).usage == 0


@pytest.mark.parametrize("names", [["acme/unknown"], ["acme/unknown:nitro", "unknown/model", FIRST + ":mystery"]])
async def test_an_unknown_model_gives_way_to_a_known_one(two, names):
    body = (await two.chat(model=names[0], models=[*names[1:], SECOND])).json()
    assert body["model"] == SECOND
    assert (await two.chat(model=None, models=[*names, SECOND])).json()["model"] == SECOND


async def test_of_unknown_models_only_the_last_one_is_reported(two):
    response = await two.chat(model="acme/unknown", models=["acme/missing"])
    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith("acme/missing is not a valid model ID.")


async def test_a_prompt_too_long_for_the_first_model_goes_to_the_next(two):
    body = (await two.chat("word " * 9_000, model=FIRST, models=[SECOND], tokens=5)).json()
    assert body["model"] == SECOND
    assert [request["provider"] for request in await two.received()] == ["late"]


async def test_more_output_than_the_first_model_has_comes_from_the_next(two):
    body = (await two.chat(model=FIRST, models=[SECOND], max_tokens=2_000, tokens=5)).json()
    assert body["model"] == SECOND


async def test_a_picture_goes_to_the_model_that_can_see(two):
    picture = [{"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0KGgo="}}]
    messages = [{"role": "user", "content": picture}]
    assert (await two.chat(model=SECOND, models=[FIRST], messages=messages, tokens=5)).json()["model"] == FIRST


@pytest.mark.parametrize("spelling", [{"route": "sort"}, {"provider": {"sort": {"by": "price", "partition": "none"}}}])
async def test_the_endpoints_of_all_models_may_be_sorted_together(two, spelling):
    assert (await two.chat(model=SECOND, models=[FIRST], tokens=5)).json()["model"] == SECOND
    assert (await two.chat(model=SECOND, models=[FIRST], tokens=5, **spelling)).json()["model"] == FIRST


async def test_the_older_route_changes_nothing(two):
    assert (await two.chat(model=SECOND, models=[FIRST], tokens=5, route="fallback")).json()["model"] == SECOND
