"""Anthropic's and Google's protocols through the whole gateway: what holds for both alike."""

import pytest
from asgiref.sync import sync_to_async

from gateway.models import Generation
from tests.gateway import factory, native
from tests.gateway.factory import usd
from tests.gateway.native import TOOL_CHOICES, WEATHER, image, message_of, usage_of

STREAMED = pytest.mark.parametrize("streamed", [True, False], ids=["streamed", "whole"])


@pytest.fixture(params=[native.ANTHROPIC, native.GOOGLE], ids=lambda provider: provider.slug)
async def provider(request, api, provider_sandbox, monkeypatch):
    """The provider, whose model no other provider serves."""
    await native.connect(request.param, provider_sandbox, monkeypatch)
    return request.param


async def ask(api, provider, prompt="Hello there", fault="", **body):
    return await api.chat(prompt, model=provider.model, fault=fault and f"{provider.slug}={fault}", **body)


# --- Responses ------------------------------------------------------------------------------------------


async def test_a_response_has_text_a_price_and_a_provider_marked_as_simulated(api, provider):
    body = (await ask(api, provider, tokens=20)).json()
    assert body["provider"] == provider.name
    choice = body["choices"][0]
    assert choice["message"]["content"]
    assert (choice["finish_reason"], choice["native_finish_reason"]) == ("stop", provider.finish_reasons["stop"])
    usage = body["usage"]
    assert usage["completion_tokens"] == 20
    row = await api.generation(body["id"])
    assert row.cost == usage["prompt_tokens"] * usd("0.000003") + 20 * usd("0.000015")
    assert row.simulated
    assert row.upstream_id
    assert row.token_source == Generation.TokenSource.PROVIDER
    await api.assert_books_balance()


async def test_a_stream_has_the_text_of_a_whole_response_one_finish_and_one_usage(api, provider):
    streamed = (await ask(api, provider, "What are tides?", stream=True, temperature=0)).text
    whole = (await ask(api, provider, "What are tides?", temperature=0)).json()
    message, finishes = message_of(streamed)
    assert message["content"] == whole["choices"][0]["message"]["content"]
    assert "Tides" in message["content"]
    assert finishes == [("stop", provider.finish_reasons["stop"])]
    assert usage_of(streamed) == whole["usage"]
    await api.assert_books_balance()


@pytest.mark.parametrize("choice", TOOL_CHOICES)
async def test_each_tool_choice_has_its_counterpart(api, provider, choice):
    answer = await ask(api, provider, "Hello", tools=[WEATHER], tool_choice=TOOL_CHOICES[choice])
    (received,) = await api.received()
    assert provider.tool_choice_in(received["body"]) == provider.tool_choices[choice]
    called = "tool_calls" in answer.json()["choices"][0]["message"]
    assert called == (choice in ("required", "named"))


async def test_limits_and_filters_have_openais_names(api, provider):
    cut = (await ask(api, provider, "Write an essay of 300 words about rivers", max_tokens=10)).json()["choices"][0]
    assert (cut["finish_reason"], cut["native_finish_reason"]) == ("length", provider.finish_reasons["length"])
    filtered = (await ask(api, provider, fault="content-filter:3", tokens=9)).json()["choices"][0]
    assert (filtered["finish_reason"], filtered["native_finish_reason"]) == (
        "content_filter",
        provider.finish_reasons["content_filter"],
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "[::ffff:127.0.0.1]"])
async def test_an_image_in_the_sites_own_network_is_not_fetched(api, provider, host):
    answer = await ask(api, provider, [image(f"http://{host}:5432/cat.png")])
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["metadata"]["error_type"] == "image_download_failed"
    assert "not a public address" in error["message"]
    assert await api.received() == []
    assert (await api.generation()).cost == 0
    await api.assert_books_balance()


# --- Failures -------------------------------------------------------------------------------------------


@STREAMED
@pytest.mark.parametrize(
    ("fault", "status", "error_type"),
    [
        ("429:30", 429, "rate_limit_exceeded"),
        ("503", 503, "provider_overloaded"),
        ("529", 503, "provider_overloaded"),
        ("401", 502, "provider_unavailable"),
        ("500", 502, "provider_unavailable"),
        ("context-length", 400, "context_length_exceeded"),
        ("html-200", 502, "provider_unavailable"),
    ],
)
async def test_a_failure_has_its_status_and_is_free(api, provider, fault, status, error_type, streamed):
    await assert_failure(api, await ask(api, provider, fault=fault, stream=streamed), status, error_type)


@STREAMED
async def test_an_error_with_status_200_is_a_failure(api, provider, streamed):
    await assert_failure(api, await ask(api, provider, fault="error-200", stream=streamed), *provider.error_in_200)


async def assert_failure(api, answer, status, error_type) -> None:
    assert answer.status_code == status
    assert answer.json()["error"]["metadata"]["error_type"] == error_type
    assert (await api.account()).usage == 0
    await api.assert_books_balance()


@pytest.mark.parametrize("fault", ["503", "529", "hang", "cut:0", "error-in-stream:0", "malformed:0", "empty"])
async def test_another_provider_serves_a_request_that_failed_before_its_first_token(api, provider, settings, fault):
    settings.PROVIDER_FIRST_TOKEN_SECONDS = settings.PROVIDER_WHOLE_SECONDS = 1.2
    served = await sync_to_async(factory.model)(provider.model)
    await sync_to_async(factory.endpoint)(served, "dear", {"prompt": "0.0001", "completion": "0.0001"})
    answer = await ask(api, provider, fault=fault, tokens=5, stream=True)
    is_failure = fault != "empty" or not provider.end_marker
    assert native.chunks_of(answer.text)[0]["provider"] == ("Dear" if is_failure else provider.name)


@pytest.mark.parametrize("fault", ["error-in-stream:5", "cut:5", "reset:5", "truncate:5"])
async def test_an_interrupted_response_ends_with_one_error_and_is_free(api, provider, fault):
    answer = await ask(api, provider, fault=fault, tokens=40, stream=True)
    chunks = native.chunks_of(answer.text)
    assert len([chunk for chunk in chunks if "error" in chunk]) == 1
    message, finishes = message_of(answer.text)
    assert message["content"]
    assert finishes == [("error", None)]
    row = await api.generation()
    assert (row.finish_reason, row.cost) == ("error", 0)
    await api.assert_books_balance()


@STREAMED
@pytest.mark.parametrize("fault", ["no-usage", "negative-usage", "huge-usage"])
async def test_missing_or_impossible_usage_is_estimated(api, provider, fault, streamed):
    await ask(api, provider, fault=fault, tokens=40, stream=streamed)
    row = await api.generation()
    assert row.token_source == Generation.TokenSource.ESTIMATE
    assert 0 < row.completion_tokens < 200
    assert row.cost > 0
    await api.assert_books_balance()
