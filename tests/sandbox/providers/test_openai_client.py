"""The unmodified `openai` package, which customers use, against the sandbox."""

import json
from typing import Literal

import httpx
import openai
import pytest
from pydantic import BaseModel

from sandbox.providers.dialects import DIALECTS
from tests.sandbox.provider import fault, tokens

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city today",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]}},
            "required": ["city", "unit"],
            "additionalProperties": False,
        },
        "strict": True,
    },
}
ASK = [{"role": "user", "content": "What is the weather in Oslo, in celsius?"}]


@pytest.fixture(scope="module")
def http_client():
    with httpx.Client(trust_env=False, timeout=60) as client:
        yield client


@pytest.fixture
def client(providers, http_client):
    """The package's client, at OpenAI."""
    return client_at("openai", providers, http_client)


def client_at(provider, providers, http_client, **headers):
    return openai.OpenAI(
        base_url=f"{providers.url}/{provider}/v1",
        api_key="any",
        max_retries=0,
        http_client=http_client,
        default_headers={"X-Sandbox-Session": providers.session, **headers},
    )


def test_it_completes_a_chat(client):
    answer = client.chat.completions.create(
        model="openai/gpt-4o", messages=[{"role": "user", "content": "Tell me about tea"}]
    )
    assert answer.id.startswith("chatcmpl-") and answer.model == "openai/gpt-4o"
    content = answer.choices[0].message.content
    assert "tea" in content.lower() and "openai/gpt-4o" in content
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_it_streams_a_chat_in_every_dialect(providers, http_client, name):
    client = client_at("openai", providers, http_client, **{"X-Sandbox-Dialect": name, "X-Sandbox-Tokens": "20"})
    chunks = list(
        client.chat.completions.create(model="m", messages=ASK, stream=True, stream_options={"include_usage": True})
    )
    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert len(pieces) == 20
    assert len([chunk for chunk in chunks if chunk.choices and chunk.choices[0].finish_reason]) == 1
    if DIALECTS[name].usage != "every":
        assert [chunk.usage.completion_tokens for chunk in chunks if chunk.usage] == [20]


async def test_it_streams_with_the_asynchronous_client(providers):
    async with httpx.AsyncClient(trust_env=False, timeout=60) as http_client:
        client = openai.AsyncOpenAI(base_url=f"{providers.url}/groq/v1", api_key="any", http_client=http_client)
        stream = await client.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "Say exactly: one two"}], stream=True
        )
        pieces = [chunk.choices[0].delta.content async for chunk in stream if chunk.choices]
    assert "".join(piece or "" for piece in pieces) == "one two"


def test_it_goes_round_the_whole_loop_of_a_tool(client):
    first = client.chat.completions.create(model="m", messages=ASK, tools=[WEATHER])
    (call,) = first.choices[0].message.tool_calls
    assert first.choices[0].finish_reason == "tool_calls"
    assert (call.function.name, json.loads(call.function.arguments)) == (
        "get_weather",
        {"city": "Oslo", "unit": "celsius"},
    )
    result = {"role": "tool", "tool_call_id": call.id, "content": '{"degrees": -7, "sky": "clear"}'}
    second = client.chat.completions.create(
        model="m", messages=[*ASK, first.choices[0].message, result], tools=[WEATHER]
    )
    assert second.choices[0].finish_reason == "stop"
    assert "get_weather" in second.choices[0].message.content and "-7" in second.choices[0].message.content


def test_it_makes_the_calls_that_a_question_dictates_one_after_the_other(client):
    said = (
        'Call get_weather with {"city": "Bern"}, then call `get_weather` with {"city": "Rome"}. Call no_tool with {}.'
    )
    messages = [{"role": "user", "content": said}]
    cities = []
    for _ in range(2):
        message = client.chat.completions.create(model="m", messages=messages, tools=[WEATHER]).choices[0].message
        (call,) = message.tool_calls
        cities.append(json.loads(call.function.arguments))
        messages += [message, {"role": "tool", "tool_call_id": call.id, "content": "rain"}]
    assert cities == [{"city": "Bern"}, {"city": "Rome"}]
    final = client.chat.completions.create(model="m", messages=messages, tools=[WEATHER]).choices[0].message
    assert not final.tool_calls and "rain" in final.content


def test_it_streams_tool_calls_piece_by_piece(client):
    with client.chat.completions.stream(model="m", messages=ASK, tools=[WEATHER]) as stream:
        events = [event.type for event in stream]
        message = stream.get_final_completion().choices[0].message
    assert events.count("tool_calls.function.arguments.delta") > 3
    assert json.loads(message.tool_calls[0].function.arguments) == {"city": "Oslo", "unit": "celsius"}


def test_it_calls_the_tool_that_is_chosen_or_none(client):
    other = {
        "type": "function",
        "function": {"name": "save_note", "parameters": {"type": "object", "properties": {"text": {"type": "string"}}}},
    }

    def called(messages, choice):
        answer = client.chat.completions.create(
            model="m", messages=messages, tools=[WEATHER, other], tool_choice=choice
        )
        return [call.function.name for call in answer.choices[0].message.tool_calls or ()]

    hello = [{"role": "user", "content": "Hello"}]
    assert called(hello, "auto") == []
    assert called(ASK, "auto") == ["get_weather"]
    assert called(ASK, "none") == []
    assert called(hello, "required") in (["get_weather"], ["save_note"])
    assert called(ASK, {"type": "function", "function": {"name": "save_note"}}) == ["save_note"]


def test_it_calls_a_tool_for_each_of_two_cities_unless_parallel_calls_are_off(client):
    ask = [{"role": "user", "content": "What is the weather in Oslo and Paris?"}]

    def cities(**fields):
        answer = client.chat.completions.create(model="m", messages=ask, tools=[WEATHER], **fields)
        return [json.loads(call.function.arguments)["city"] for call in answer.choices[0].message.tool_calls]

    assert cities() == ["Oslo", "Paris"]
    assert len(cities(parallel_tool_calls=False)) == 1


class Address(BaseModel):
    street: str
    zip_code: int


class Person(BaseModel):
    name: str
    age: int
    mood: Literal["happy", "sad"]
    email: str | None
    address: Address
    hobbies: list[str]
    friends: list["Person"]


def test_it_fills_a_model_of_pydantic(client):
    answer = client.chat.completions.parse(
        model="m",
        messages=[{"role": "user", "content": "Alice Smith, 30 years old, is sad. Write to alice@example.com."}],
        response_format=Person,
    )
    person = answer.choices[0].message.parsed
    assert (person.name, person.age, person.mood, person.email) == ("Ada Lovelace", 42, "happy", "ada@example.com")


def test_it_completes_a_prompt_of_the_old_kind(client):
    answer = client.completions.create(model="m", prompt="Say exactly: one two three", max_tokens=2)
    assert (answer.object, answer.choices[0].text, answer.choices[0].finish_reason) == (
        "text_completion",
        "one two",
        "length",
    )
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (9, 2)
    echoed = client.completions.create(model="m", prompt="Say exactly: one", echo=True)
    assert echoed.choices[0].text == "Say exactly: oneone"


@pytest.mark.parametrize("name", sorted(DIALECTS))
def test_it_streams_a_completion_of_the_old_kind(providers, http_client, name):
    client = client_at("openai", providers, http_client, **{"X-Sandbox-Dialect": name})
    chunks = list(client.completions.create(model="m", prompt="Say exactly: one two three", stream=True))
    texts = [chunk.choices[0].text for chunk in chunks if chunk.choices and chunk.choices[0].text]
    assert texts == ["one", " two", " three"]


def test_it_lists_models_that_were_requested(client, providers, http_client):
    lister = client_at(f"lister-{providers.session}", providers, http_client)
    assert [model.id for model in lister.models.list()] == []
    lister.chat.completions.create(model="some/model", messages=ASK)
    assert [(model.id, model.owned_by) for model in lister.models.list()] == [
        ("some/model", f"lister-{providers.session}")
    ]


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, openai.BadRequestError),
        (401, openai.AuthenticationError),
        (403, openai.PermissionDeniedError),
        (404, openai.NotFoundError),
        (422, openai.UnprocessableEntityError),
        (429, openai.RateLimitError),
        (503, openai.InternalServerError),
    ],
)
def test_it_raises_its_own_errors(client, status, error):
    with pytest.raises(error) as raised:
        client.chat.completions.create(model="m", messages=ASK, extra_headers=fault(f"*={status}"))
    assert raised.value.status_code == status and raised.value.body["message"]


def test_it_raises_when_a_stream_holds_an_error(client):
    with pytest.raises(openai.APIError, match="overloaded"):
        list(
            client.chat.completions.create(
                model="m", messages=ASK, stream=True, extra_headers={**tokens(5), **fault("*=error-in-stream:2")}
            )
        )


def test_it_tries_again_after_a_rate_limit(providers, http_client):
    client = client_at("openai", providers, http_client).with_options(max_retries=2)
    client.chat.completions.create(model="m", messages=ASK, extra_headers=fault("*=429-once:0"))
    assert [record["status"] for record in providers.recorded()] == [429, 200]


def test_a_key_that_says_it_is_invalid_is_refused(client):
    with pytest.raises(openai.AuthenticationError):
        client.with_options(api_key="sk-own-invalid").chat.completions.create(model="m", messages=ASK)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b"[]", b"null", b"{}", b'{"model": "m"}', b'{"model": "m", "messages": []}',
        b'{"messages": [{"role": "user"}]}',
        b'{"model": "m", "messages": "Hi"}', b'{"model": "m", "messages": [{"content": "Hi"}]}',
        b'{"model": "m", "messages": [{"role": "user", "content": 7}]}',
        b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 0}',
        b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}], "max_tokens": "many"}',
        b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}], "n": 0}',
        b'{"model": "m", "messages": [{"role": "user", "content": "Hi"}], "temperature": "hot"}',
    ],
)  # fmt: skip
def test_a_request_that_makes_no_sense_is_refused_with_a_sentence(providers, body):
    response = providers.client.post("/openai/v1/chat/completions", content=body)
    assert response.status_code == 400
    assert response.json()["error"]["message"]


def test_a_body_is_read_whatever_its_type_says(providers):
    body = json.dumps(providers.body("Say exactly: pong"))
    response = providers.client.post(
        "/openai/v1/chat/completions", content=body, headers={"Content-Type": "text/plain"}
    )
    assert response.json()["choices"][0]["message"]["content"] == "pong"
