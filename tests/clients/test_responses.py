"""OpenAI's packages and OpenRouter's, unmodified, against the running site: the Responses API."""

import json
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from openai import APIStatusError, AuthenticationError, BadRequestError, OpenAI
from openrouter import OpenRouter
from pydantic import BaseModel

from tests.browser.people import Person
from tests.clients.test_openai import run_javascript
from tests.support.processes import Site

MODEL = "openai/gpt-4o-mini"
QUESTION = "What is the meaning of life?"
WEATHER: Any = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather in a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}},
        "required": ["city"],
        "additionalProperties": False,
    },
    "strict": True,
}


@pytest.fixture
def client(site: Site, customer: Person) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{site.url}/api/v1", api_key=customer.key, max_retries=0) as client:
        yield client


def test_a_response_comes_whole_and_streamed(client: OpenAI):
    for model in (MODEL, "anthropic/claude-sonnet-4.5", "google/gemini-2.5-flash"):
        whole = client.responses.create(model=model, input=QUESTION, instructions="Be brief.", store=False)
        assert whole.status == "completed" and whole.output_text, model
        assert whole.usage and Decimal(str(whole.usage.to_dict()["cost"])) > 0
        events = list(client.responses.create(model=model, input=QUESTION, stream=True))
        deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
        last = events[-1]
        assert last.type == "response.completed" and last.response.output_text == "".join(deltas), model
        assert [event.sequence_number for event in events] == list(range(len(events)))


def test_the_packages_own_stream_gathers_the_same_response(client: OpenAI):
    with client.responses.stream(model=MODEL, input=QUESTION, tools=[WEATHER]) as stream:
        names = [event.type for event in stream]
        final = stream.get_final_response()
    assert names[:2] == ["response.created", "response.in_progress"] and names[-1] == "response.completed"
    assert final.output_text and final.usage and final.usage.output_tokens > 0


@pytest.mark.parametrize("model", [MODEL, "anthropic/claude-sonnet-4.5"])
def test_a_tool_is_called_and_its_result_answered(client: OpenAI, model: str):
    said: list[Any] = [{"role": "user", "content": "What is the weather in Lisbon?"}]
    options: Any = {"model": model, "tools": [WEATHER], "reasoning": {"effort": "low"}, "store": False}
    calling = client.responses.create(input=said, include=["reasoning.encrypted_content"], **options)
    [call] = [item for item in calling.output if item.type == "function_call"]
    assert call.name == "get_weather" and json.loads(call.arguments)["city"] == "Lisbon"
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "17 degrees and sunny"}
    said += [*calling.output, result]
    assert "17 degrees" in client.responses.create(input=said, **options).output_text
    with client.responses.stream(input=said[:1], tool_choice="required", **options) as stream:
        streamed = [item for item in stream.get_final_response().output if item.type == "function_call"]
    assert [json.loads(item.arguments)["city"] for item in streamed] == ["Lisbon"]


def test_a_response_follows_a_schema(client: OpenAI):
    class City(BaseModel):
        name: str
        population: int

    parsed = client.responses.parse(model=MODEL, input="Describe Lisbon", text_format=City)
    assert isinstance(parsed.output_parsed, City)
    untyped = client.responses.create(model=MODEL, input="Lisbon as JSON", text={"format": {"type": "json_object"}})
    assert isinstance(json.loads(untyped.output_text), dict)


def test_a_limit_makes_the_response_incomplete(client: OpenAI):
    short = client.responses.create(model=MODEL, input=QUESTION, max_output_tokens=5)
    assert short.status == "incomplete" and short.usage and short.usage.output_tokens == 5
    assert short.incomplete_details and short.incomplete_details.reason == "max_output_tokens"


def test_errors_are_exceptions_of_the_package(site: Site, client: OpenAI):
    with pytest.raises(BadRequestError, match="unknown/model"):
        client.responses.create(model="unknown/model", input=QUESTION)
    with pytest.raises(BadRequestError, match="previous_response_id") as refused:
        client.responses.create(model=MODEL, input=QUESTION, previous_response_id="resp_1")
    assert refused.value.param == "previous_response_id"
    with pytest.raises(AuthenticationError):
        OpenAI(base_url=f"{site.url}/api/v1", api_key="sk-or-v1-wrong").responses.create(model=MODEL, input=QUESTION)
    with pytest.raises(APIStatusError):
        client.responses.create(model=MODEL, input=QUESTION, extra_headers={"X-Sandbox-Fault": "*=503"})
    events = list(
        client.responses.create(
            model=MODEL, input=QUESTION, stream=True, extra_headers={"X-Sandbox-Fault": "*=error-in-stream:3"}
        )
    )
    last = events[-1]
    assert last.type == "response.failed" and last.response.error and last.response.error.code == "server_error"


def test_openrouters_package_accepts_every_event(site: Site, customer: Person):
    asked: Any = {
        "model": "anthropic/claude-sonnet-4.5",
        "input": "What is the weather in Lisbon?",
        "tools": [WEATHER],
        "reasoning": {"effort": "low"},
    }
    with OpenRouter(server_url=f"{site.url}/api/v1", api_key=customer.key) as client:
        whole = client.responses.send(**asked)
        assert [item.type for item in whole.output] == ["reasoning", "function_call"]
        with client.responses.send(**asked, stream=True) as stream:
            events = list(stream)
    assert not [event for event in events if getattr(event, "is_unknown", False)]
    assert events[-1].type == "response.completed"
    assert [item.type for item in events[-1].response.output] == ["reasoning", "function_call"]


PACKAGE = """
import OpenAI from "openai";
const openai = new OpenAI({ baseURL: process.env.BASE_URL, apiKey: process.env.KEY });
const question = { model: process.env.MODEL, input: "What is the meaning of life?" };
const whole = await openai.responses.create(question);
let streamed = "";
let status;
for await (const event of await openai.responses.create({ ...question, stream: true })) {
  if (event.type === "response.output_text.delta") streamed += event.delta;
  if (event.type === "response.completed") status = event.response.status;
}
console.log(JSON.stringify({ text: whole.output_text, usage: whole.usage, streamed, status }));
"""


def test_the_typescript_package_works_with_this_base_url(site: Site, customer: Person):
    printed = run_javascript(PACKAGE, site, customer.key)
    assert printed["text"] and printed["streamed"] and printed["status"] == "completed"
    assert printed["usage"]["output_tokens"] > 0 and printed["usage"]["cost"] > 0
