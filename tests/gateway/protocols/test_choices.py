"""Several choices, log probabilities, functions and prompts in lists: how they are answered, and what they cost."""

from typing import Any

import pytest
from asgiref.sync import sync_to_async
from openai import AsyncOpenAI

from tests.gateway import factory
from tests.gateway.factory import usd
from tests.gateway.native import WEATHER, user
from tests.gateway.protocols.test_chat_completions import events_of
from tests.wire import check

TOGETHER = "acme/many"  # served by a provider that returns several choices
FIREWORKS = "acme/probable"  # ...and log probabilities


@pytest.fixture
async def many(api: Any) -> Any:
    """Alice's client, with models of providers that return several choices."""
    await sync_to_async(serve)()
    return api


def serve() -> None:
    factory.endpoint(factory.model(TOGETHER), "together", factory.CHEAP)
    factory.endpoint(factory.model(FIREWORKS), "fireworks", factory.CHEAP)


def texts_of(chunks: list[dict[str, Any]]) -> dict[int, str]:
    """The text of each choice of a stream."""
    texts: dict[int, str] = {}
    for choice in [choice for chunk in chunks for choice in chunk["choices"]]:
        texts[choice["index"]] = texts.get(choice["index"], "") + (choice["delta"].get("content") or "")
    return texts


# --- n ------------------------------------------------------------------------------------------------


async def test_several_choices_are_one_call_and_one_bill(many):
    response = await many.chat(model=TOGETHER, tokens=10, n=3, max_tokens=50)
    body = response.json()
    check("POST /chat/completions", 200, body)
    assert [choice["index"] for choice in body["choices"]] == [0, 1, 2]
    assert all(choice["message"]["content"] and choice["finish_reason"] == "stop" for choice in body["choices"])
    row = await many.generation(body["id"])
    assert row.completion_tokens == body["usage"]["completion_tokens"] == 30
    assert row.cost == row.prompt_tokens * usd("0.000001") + 30 * usd("0.000002")
    assert row.hold >= 3 * 50 * usd("0.000002")
    assert [request["body"]["n"] for request in await many.received()] == [3]
    await many.assert_books_balance()


async def test_the_choices_of_a_stream_are_told_apart_by_their_index(many):
    response = await many.chat(model=TOGETHER, tokens=12, n=2, stream=True)
    chunks = events_of(response.text)
    for chunk in chunks:
        check("POST /chat/completions", "stream", chunk)
    texts = texts_of(chunks)
    assert texts.keys() == {0, 1} and all(texts.values())
    finishes = [choice for chunk in chunks for choice in chunk["choices"] if choice["finish_reason"]]
    assert sorted(choice["index"] for choice in finishes) == [0, 1]
    assert chunks[-1]["usage"]["completion_tokens"] == 24
    await many.assert_books_balance()


async def test_the_tokens_of_all_choices_are_estimated_when_none_are_reported(many):
    response = await many.chat(model=TOGETHER, tokens=40, n=2, max_tokens=40, fault="together=no-usage")
    row = await many.generation(response.json()["id"])
    assert 40 < row.completion_tokens <= 80
    await many.assert_books_balance()


async def test_a_balance_that_covers_one_choice_does_not_cover_ten(many):
    account = await many.account()
    account.credits = usd("0.002")
    await account.asave()
    assert (await many.chat(model=TOGETHER, tokens=5, max_tokens=500)).status_code == 200
    refused = await many.chat(model=TOGETHER, tokens=5, max_tokens=500, n=10)
    assert refused.status_code == 402


@pytest.mark.parametrize("stream", [False, True])
async def test_a_response_that_breaks_off_before_its_last_choice_has_finished_is_an_error(many, stream):
    """The first choice takes 20 of 40 tokens, in turns, and the connection ends after 39."""
    response = await many.chat(
        model=TOGETHER, tokens=20, n=2, stream=stream, max_tokens=1000, fault="together=error-in-stream:40,503"
    )
    if not stream:
        assert response.status_code == 502
    else:
        failed = [chunk for chunk in events_of(response.text) if "error" in chunk]
        assert [choice["index"] for choice in failed[0]["choices"]] == [0, 1]
        assert {choice["finish_reason"] for choice in failed[0]["choices"]} == {"error"}
    assert (await many.account()).usage == 0
    await many.assert_books_balance()


async def test_n_is_refused_with_the_reason_where_no_provider_returns_several_choices(api):
    response = await api.chat(n=2)
    error = response.json()["error"]
    assert response.status_code == 404
    assert "2 by n (too many choices for one response of the provider)" in error["message"]
    assert error["availability"]["constraint"]["field"] == "n"
    assert (await api.chat(n=1)).status_code == 200


async def test_a_provider_with_fewer_choices_gives_way_to_another(many):
    limited, other = await sync_to_async(_two_providers)()
    served = await many.chat(model=limited, n=5)
    assert served.json()["provider"] == other
    assert len(served.json()["choices"]) == 5


def _two_providers() -> tuple[str, str]:
    both = factory.model("acme/both")
    factory.endpoint(both, "deepinfra", factory.CHEAP)  # up to four
    factory.endpoint(both, "novita", factory.DEAR)
    return both.id, "Novita"


# --- Log probabilities ----------------------------------------------------------------------------------


async def test_log_probabilities_come_from_endpoints_that_have_them(many):
    body = (await many.chat(model=FIREWORKS, tokens=5, logprobs=True, top_logprobs=2)).json()
    check("POST /chat/completions", 200, body)
    content = body["choices"][0]["logprobs"]["content"]
    assert "".join(one["token"] for one in content) == body["choices"][0]["message"]["content"]
    assert all(len(one["top_logprobs"]) == 2 for one in content)
    without = (await many.chat(tokens=5, logprobs=True)).json()
    assert without["choices"][0]["logprobs"] is None  # ignored, as the endpoint does not list it


async def test_an_endpoint_with_log_probabilities_is_preferred(many):
    await sync_to_async(_cheaper_without)()
    body = (await many.chat(model=FIREWORKS, tokens=5, logprobs=True)).json()
    assert body["provider"] == "Fireworks"
    assert (await many.chat(model=FIREWORKS, tokens=5)).json()["provider"] == "Together"


def _cheaper_without() -> None:
    served = factory.model(FIREWORKS)
    factory.endpoint(served, "together", factory.CHEAP)
    factory.endpoint(served, "fireworks", factory.DEAR)


@pytest.mark.parametrize("stream", [False, True])
async def test_text_completions_have_log_probabilities_in_their_own_form(many, stream):
    request = {"model": FIREWORKS, "prompt": ["Say exactly: one two three"], "logprobs": 2, "stream": stream}
    response = await many.post("/completions", json=request)
    choices = (
        [choice for chunk in events_of(response.text) for choice in chunk["choices"]]
        if stream
        else response.json()["choices"]
    )
    known = [choice for choice in choices if choice.get("logprobs")]
    joined = {
        name: [item for choice in known for item in choice["logprobs"][name]]
        for name in ("tokens", "token_logprobs", "top_logprobs", "text_offset")
    }
    text = "".join(choice["text"] for choice in choices)
    assert "".join(joined["tokens"]) == text
    assert [text[at : at + len(token)] for at, token in zip(joined["text_offset"], joined["tokens"], strict=True)] == (
        joined["tokens"]
    )
    assert all(len(others) == 2 for others in joined["top_logprobs"])


# --- OpenAI's client ------------------------------------------------------------------------------------


async def test_openais_client_reads_the_choices_and_their_log_probabilities(many):
    client = AsyncOpenAI(base_url="http://testserver/api/v1", api_key=many.secret, http_client=many.client)
    question: Any = [user("Say exactly: one two three")]
    answer = await client.chat.completions.create(
        model=FIREWORKS, messages=question, n=2, logprobs=True, top_logprobs=1, service_tier="priority"
    )
    assert [choice.message.content for choice in answer.choices] == ["one two three"] * 2
    assert all(choice.logprobs and choice.logprobs.content for choice in answer.choices)
    assert answer.service_tier == "default"
    texts = {0: "", 1: ""}
    stream = await client.chat.completions.create(model=FIREWORKS, messages=question, n=2, stream=True)
    async for chunk in stream:
        for choice in chunk.choices:
            texts[choice.index] += choice.delta.content or ""
    assert texts == {0: "one two three", 1: "one two three"}
    completion = await client.completions.create(model=FIREWORKS, prompt=["Say exactly: one two"], n=2, logprobs=1)
    assert [choice.text for choice in completion.choices] == ["one two", "one two"]
    assert completion.choices[0].logprobs and completion.choices[0].logprobs.text_offset == [0, 3]


# --- Functions ------------------------------------------------------------------------------------------

FUNCTIONS = {"functions": [WEATHER["function"]], "function_call": {"name": "get_weather"}}


async def test_a_request_with_functions_is_answered_with_a_function_call(api):
    body = (await api.chat("Weather in Paris?", **FUNCTIONS)).json()
    choice = body["choices"][0]
    assert choice["finish_reason"] == "function_call"
    assert "tool_calls" not in choice["message"]
    call = choice["message"]["function_call"]
    assert call["name"] == "get_weather" and "city" in call["arguments"]
    history = [
        user("Weather in Paris?"),
        choice["message"],
        {"role": "function", "name": "get_weather", "content": "17"},
    ]
    following = await api.chat(messages=history, functions=FUNCTIONS["functions"])
    assert following.json()["choices"][0]["finish_reason"] == "stop"
    sent = (await api.received())[-1]["body"]
    assert sent["messages"][2]["tool_call_id"] == sent["messages"][1]["tool_calls"][0]["id"]
    assert not {"functions", "function_call"} & sent.keys()


async def test_a_stream_has_the_function_call_in_pieces(api):
    chunks = events_of((await api.chat("Weather in Paris?", stream=True, **FUNCTIONS)).text)
    choices = [choice for chunk in chunks for choice in chunk["choices"]]
    pieces = [choice["delta"]["function_call"] for choice in choices if "function_call" in choice["delta"]]
    whole = (await api.chat("Weather in Paris?", **FUNCTIONS)).json()["choices"][0]["message"]["function_call"]
    assert "".join(piece.get("name", "") for piece in pieces) == "get_weather"
    assert "".join(piece.get("arguments", "") for piece in pieces) == whole["arguments"]
    assert not any("tool_calls" in choice["delta"] for choice in choices)
    assert choices[-1]["finish_reason"] == "function_call"
