"""Tokens of a kind of their own: of recordings in the prompt, and of a predicted response."""

from decimal import Decimal
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from activity.requests.explanation import explain
from gateway.tokens.bounds import SHORT_DOCUMENT_TOKENS, estimate_file_tokens
from tests.gateway import factory
from tests.gateway.factory import usd
from tests.gateway.native import GOOGLE
from tests.gateway.protocols.test_chat_completions import events_of
from tests.wire import check

LISTENER = "acme/listener"
AUDIO = "0.00004"
SOUND = {"type": "input_audio", "input_audio": {"data": "UklGRiQA" * 200, "format": "wav"}}


def listened(*parts: Any) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"type": "text", "text": "What is said here?"}, *parts]}]


def serve(provider: str, pricing: dict[str, str], **fields: Any) -> None:
    listener = factory.model(LISTENER, input_modalities=["text", "audio"])
    factory.endpoint(listener, provider, pricing, **fields)


@pytest.fixture(params=["cheap", GOOGLE.slug])
async def listener(request: Any, api: Any, monkeypatch: Any) -> Any:
    """Alice's client, with a model that hears: at a provider with OpenAI's protocol, and at Google with its own."""
    if request.param == GOOGLE.slug:
        sandbox = api.headers["X-Test-Sandbox"]
        monkeypatch.setenv("PROVIDER_GOOGLE_AI_STUDIO_BASE_URL", f"{sandbox}{GOOGLE.sandbox_path}")
        monkeypatch.setenv(GOOGLE.key_variable, "google-key")
    await sync_to_async(serve)(request.param, factory.CHEAP | {"audio": AUDIO})
    return api


@pytest.mark.parametrize("stream", [False, True])
async def test_recordings_are_charged_at_the_price_for_audio(listener: Any, stream: bool):
    response = await listener.chat(model=LISTENER, messages=listened(SOUND), tokens=10, stream=stream, max_tokens=20)
    usage = events_of(response.text)[-1]["usage"] if stream else response.json()["usage"]
    if not stream:
        check("POST /chat/completions", 200, response.json())
    heard = usage["prompt_tokens_details"]["audio_tokens"]
    assert 10 < heard < usage["prompt_tokens"]
    row = await listener.generation()
    plain = row.prompt_tokens - heard
    assert row.audio_tokens == heard
    assert row.cost == plain * usd("0.000001") + heard * usd(AUDIO) + 10 * usd("0.000002")
    assert row.hold >= row.cost
    assert [(line.name, line.count) for line in explain(row).lines][:2] == [("Prompt", plain), ("Prompt, audio", heard)]
    await listener.assert_books_balance()


async def test_without_a_price_for_audio_its_tokens_cost_what_others_cost(api: Any):
    await sync_to_async(serve)("cheap", factory.CHEAP)
    response = await api.chat(model=LISTENER, messages=listened(SOUND), tokens=10)
    row = await api.generation(response.json()["id"])
    assert row.audio_tokens > 0
    assert row.cost == row.prompt_tokens * usd("0.000001") + 10 * usd("0.000002")
    await api.assert_books_balance()


async def test_the_hold_covers_a_prompt_that_is_all_audio(api: Any):
    """The provider may count any part of the tokens as audio: the cost of all was held."""
    await sync_to_async(serve)("cheap", factory.CHEAP | {"audio": AUDIO})
    likely, bound = estimate_file_tokens(listened(SOUND), 100_000)
    assert SHORT_DOCUMENT_TOKENS < likely < SHORT_DOCUMENT_TOKENS + 100 and bound == 100_000
    await api.chat(model=LISTENER, messages=listened(SOUND), tokens=10, max_tokens=20)
    row = await api.generation()
    assert row.hold >= likely * usd(AUDIO)


async def test_plain_prompts_hold_no_more_for_a_price_of_audio(api: Any):
    holds = []
    for prices in (factory.CHEAP, factory.CHEAP | {"audio": AUDIO}):
        await sync_to_async(serve)("cheap", prices)
        response = await api.chat(model=LISTENER, tokens=10, max_tokens=20)
        holds.append((await api.generation(response.json()["id"])).hold)
    assert holds[0] == holds[1]


@pytest.mark.parametrize("stream", [False, True])
async def test_tokens_of_a_prediction_are_told_as_the_provider_counts_them(api: Any, stream: bool):
    await sync_to_async(serve)("cheap", factory.CHEAP, supported_parameters=["prediction"])
    answer = (await api.chat(model=LISTENER, tokens=12)).json()["choices"][0]["message"]["content"]
    prediction = {"type": "content", "content": answer[: len(answer) // 2] + " and then something else entirely"}
    response = await api.chat(model=LISTENER, tokens=12, prediction=prediction, stream=stream)
    body = events_of(response.text)[-1] if stream else response.json()
    check("POST /chat/completions", "stream" if stream else 200, body)
    details = body["usage"]["completion_tokens_details"]
    assert details["accepted_prediction_tokens"] > 0 and details["rejected_prediction_tokens"] > 0
    assert details["accepted_prediction_tokens"] + details["rejected_prediction_tokens"] <= 12
    row = await api.generation()
    assert row.cost == sum(count * Decimal(price) for count, price in _counted(row)) * 10**12


def _counted(row: Any) -> list[tuple[int, str]]:
    return [(row.prompt_tokens, row.price["prompt"]), (row.completion_tokens, row.price["completion"])]
