"""Anthropic's unmodified packages, for Python and JavaScript, against the running site."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest
from anthropic import Anthropic
from pydantic import BaseModel

from tests.browser.people import Person, new_person
from tests.clients.test_openai import MODEL as OTHERS_MODEL
from tests.clients.test_openai import PIXEL, run_javascript
from tests.support.processes import Site

MODEL = "anthropic/claude-sonnet-4.5"
QUESTION: list[Any] = [{"role": "user", "content": "What is the meaning of life?"}]
#: The same answer again: the simulated one depends on the provider.
STEADY = {"temperature": 0, "provider": {"only": ["anthropic", "openai"]}}
WEATHER: Any = {
    "name": "get_weather",
    "description": "The weather in a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


#: The package warns about names of models that Anthropic has retired.
pytestmark = pytest.mark.filterwarnings("ignore:The model:DeprecationWarning")


@pytest.fixture
def key(customer: Person) -> str:
    return customer.key


@pytest.fixture
def client(site: Site, key: str) -> Iterator[Anthropic]:
    with Anthropic(base_url=f"{site.url}/api", api_key=key, max_retries=0) as client:
        yield client


def create(client: Anthropic, *messages: Any, **options: Any) -> Any:
    return client.messages.create(
        **{"model": MODEL, "max_tokens": 500, "messages": list(messages) or QUESTION, **options}
    )


@pytest.mark.parametrize("model", [MODEL, OTHERS_MODEL, "claude-sonnet-4-5"])
def test_a_message_whole_and_streamed(client: Anthropic, model: str):
    whole = create(client, model=model, extra_body=STEADY)
    assert whole.content[0].text and (whole.stop_reason, whole.role, whole.type) == ("end_turn", "assistant", "message")
    assert whole.usage.input_tokens > 0 and whole.usage.output_tokens > 0
    with client.messages.stream(model=model, max_tokens=500, messages=QUESTION, extra_body=STEADY) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert final.content[0].type == "text" and final.content[0].text == text == whole.content[0].text
    assert final.usage.output_tokens == whole.usage.output_tokens


def test_tools_are_called_and_their_results_answered(client: Anthropic):
    asked: dict[str, Any] = {"role": "user", "content": "What is the weather in Lisbon and in Paris?"}
    with client.messages.stream(model=MODEL, max_tokens=500, messages=[asked], tools=[WEATHER]) as stream:  # type: ignore[list-item]
        calling = stream.get_final_message()
    calls = [block for block in calling.content if block.type == "tool_use"]
    assert calling.stop_reason == "tool_use"
    assert [call.input for call in calls] == [{"city": "Lisbon"}, {"city": "Paris"}]
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "17 degrees"} for call in calls]
    replied = create(
        client,
        asked,
        {"role": "assistant", "content": calling.content},
        {"role": "user", "content": results},
        tools=[WEATHER],
    )
    assert replied.stop_reason == "end_turn" and "17 degrees" in replied.content[0].text


@pytest.mark.parametrize(
    ("choice", "calls"),
    [({"type": "any"}, 1), ({"type": "tool", "name": "get_weather"}, 1), ({"type": "none"}, 0), ({"type": "auto"}, 0)],
)
def test_the_choice_of_a_tool_is_followed(client: Anthropic, choice: Any, calls: int):
    reply = create(client, {"role": "user", "content": "Say hello"}, tools=[WEATHER], tool_choice=choice)
    assert sum(block.type == "tool_use" for block in reply.content) == calls


def test_images_documents_and_marked_system_blocks_reach_the_model(client: Anthropic):
    image = {"type": "base64", "media_type": "image/png", "data": PIXEL.partition(",")[2]}
    document = {"type": "text", "media_type": "text/plain", "data": "Say exactly: a tree"}
    content = [
        {"type": "image", "source": image},
        {"type": "document", "source": document, "title": "Notes", "citations": {"enabled": True}},
        {"type": "text", "text": "What is this?"},
    ]
    system = [{"type": "text", "text": "Be brief. " * 200, "cache_control": {"type": "ephemeral"}}]
    reply = create(client, {"role": "user", "content": content}, system=system, metadata={"user_id": "ann"})
    assert "image" in reply.content[0].text.lower() or "a tree" in reply.content[0].text


def test_thinking_comes_back_and_may_be_sent_again(client: Anthropic):
    thinking = {"type": "enabled", "budget_tokens": 1024}
    first = create(client, max_tokens=3000, thinking=thinking)
    assert [block.type for block in first.content] == ["thinking", "text"]
    assert first.usage.output_tokens_details.thinking_tokens > 0
    redacted = {"type": "redacted_thinking", "data": "b3BhcXVl"}
    history: Any = {"role": "assistant", "content": [redacted, *first.content]}
    follow_up: Any = {"role": "user", "content": "Why?"}
    with client.messages.stream(
        model=MODEL, max_tokens=3000, messages=[*QUESTION, history, follow_up], thinking={"type": "adaptive"}
    ) as stream:
        assert [block.type for block in stream.get_final_message().content] == ["thinking", "text"]
    hidden = create(client, max_tokens=3000, thinking={"type": "adaptive", "display": "omitted"})
    assert not any(getattr(block, "thinking", "") for block in hidden.content)


def test_more_stop_sequences_than_a_provider_takes_are_accepted(client: Anthropic):
    counted = {"role": "user", "content": "Say exactly: 1 2 3 4 5 6 7 8 9"}
    reply = create(client, counted, stop_sequences=["5", "6", "x", "y", "z", "w"])
    assert "4" in reply.content[0].text and "5" not in reply.content[0].text


def test_a_response_follows_a_schema(client: Anthropic):
    class City(BaseModel):
        name: str
        population: int

    asked: Any = [{"role": "user", "content": "Describe Lisbon"}]
    parsed = client.messages.parse(model=MODEL, max_tokens=500, messages=asked, output_format=City)
    assert isinstance(parsed.parsed_output, City)
    reply = create(client, output_config={"effort": "low"})
    assert reply.content[0].text


def test_a_web_search_is_shown_as_a_call_of_its_tool(client: Anthropic):
    search = {"type": "web_search_20250305", "name": "web_search", "max_uses": 3}
    whole = create(client, tools=[search, WEATHER], tool_choice={"type": "tool", "name": "web_search"})
    call, found, text = whole.content
    assert (call.type, call.name, call.input["query"]) == ("server_tool_use", "web_search", QUESTION[0]["content"])
    assert (found.type, found.tool_use_id) == ("web_search_tool_result", call.id)
    assert found.content[0].type == "web_search_result" and found.content[0].url.startswith("https://")
    assert text.citations[0].url and whole.usage.server_tool_use.web_search_requests == 1
    with client.messages.stream(model=MODEL, max_tokens=500, messages=QUESTION, tools=[search]) as stream:  # type: ignore[list-item]
        streamed = stream.get_final_message()
    assert [block.type for block in streamed.content] == ["server_tool_use", "web_search_tool_result", "text"]
    again = {"role": "assistant", "content": [block.to_dict() for block in streamed.content]}
    assert create(client, *QUESTION, again, {"role": "user", "content": "Thanks"}).content[0].text
    with pytest.raises(anthropic.BadRequestError, match="code_execution_20250825"):
        create(client, tools=[{"type": "code_execution_20250825", "name": "code_execution"}])


def test_fallback_models_and_beta_headers(client: Anthropic):
    reply = create(
        client,
        model="openai/gpt-4o",
        extra_body={"fallbacks": [{"model": OTHERS_MODEL}]},
        extra_headers={"X-Sandbox-Fault": "*@gpt-4o=503"},
    )
    assert reply.model == OTHERS_MODEL
    beta = client.beta.messages.create(model=MODEL, max_tokens=50, messages=QUESTION, betas=["context-1m-2025-08-07"])
    assert beta.content[0].type == "text"


def test_tokens_are_counted(client: Anthropic):
    short = client.messages.count_tokens(model=MODEL, messages=QUESTION)
    long = client.messages.count_tokens(model=MODEL, messages=QUESTION, system="Be brief. " * 50, tools=[WEATHER])
    assert 0 < short.input_tokens < long.input_tokens - 100
    assert client.beta.messages.count_tokens(model=MODEL, messages=QUESTION).input_tokens == short.input_tokens


def test_models_are_listed_in_pages_and_retrieved(client: Anthropic):
    everything = list(client.models.list())
    paged = client.models.list(limit=100)
    assert len(paged.data) == 100 and paged.has_more
    assert [model.id for model in paged] == [model.id for model in everything]
    model = client.models.retrieve(MODEL)
    assert (model.type, model.id, model.lifecycle) == ("model", MODEL, "active")
    assert model.display_name and model.created_at.year > 2020 and (model.max_input_tokens or 0) > 100_000
    before = client.models.list(before_id=everything[5].id, limit=2)
    assert [model.id for model in before.data] == [everything[3].id, everything[4].id]
    with pytest.raises(anthropic.BadRequestError, match="after_id"):
        client.models.list(after_id="acme/none")


ERRORS: list[tuple[type[Exception], dict[str, Any]]] = [
    (anthropic.BadRequestError, {"model": "acme/none"}),
    (anthropic.BadRequestError, {"messages": [{"role": "user", "content": [{"type": "video"}]}]}),
    (anthropic.NotFoundError, {"extra_body": {"provider": {"only": ["nowhere"]}}}),
    (anthropic.RateLimitError, {"extra_headers": {"X-Sandbox-Fault": "*=429"}}),
    (anthropic.OverloadedError, {"extra_headers": {"X-Sandbox-Fault": "*=529"}}),
    (anthropic.InternalServerError, {"extra_headers": {"X-Sandbox-Fault": "*=cut:3"}}),
]


@pytest.mark.parametrize(("kind", "changes"), ERRORS)
def test_errors_are_exceptions_of_the_package(client: Anthropic, kind: type[Exception], changes: Any):
    with pytest.raises(kind):
        create(client, **changes)


def test_errors_about_the_account_and_in_a_stream(site: Site, client: Anthropic):
    with pytest.raises(anthropic.AuthenticationError):
        create(client.with_options(api_key="sk-or-v1-wrong"))
    with pytest.raises(anthropic.APIStatusError) as refused:
        create(client.with_options(api_key=new_person(site, cents=0).key))
    assert refused.value.status_code == 402
    with (
        pytest.raises(anthropic.APIStatusError),
        client.messages.stream(
            model=MODEL, max_tokens=50, messages=QUESTION, extra_headers={"X-Sandbox-Fault": "*=error-in-stream:3"}
        ) as stream,
    ):
        stream.until_done()


PACKAGE = """
import Anthropic from "@anthropic-ai/sdk";
const baseURL = process.env.BASE_URL.replace("/v1", "");
const client = new Anthropic({ baseURL, apiKey: process.env.KEY, maxRetries: 0 });
const tool = { name: "get_weather", input_schema: { type: "object", properties: { city: { type: "string" } } } };
const messages = [{ role: "user", content: "Weather in Lisbon?" }];
const asked = { model: "anthropic/claude-sonnet-4.5", max_tokens: 500, messages };
const whole = await client.messages.create(asked);
const calling = await client.messages.stream({ ...asked, tools: [tool] }).finalMessage();
const thinking = await client.messages
  .stream({ ...asked, max_tokens: 3000, thinking: { type: "enabled", budget_tokens: 1024 } })
  .finalMessage();
const counted = await client.messages.countTokens({ model: asked.model, messages });
const models = await client.models.list({ limit: 3 });
let failure;
try {
  await client.messages.create({ ...asked, model: "unknown/model" });
} catch (error) {
  failure = [error.constructor.name, error.status];
}
console.log(JSON.stringify({ whole, calling, thinking, counted, models: models.data, more: models.has_more, failure }));
"""


def test_the_typescript_package_works_with_this_base_url(site: Site, key: str):
    printed = run_javascript(PACKAGE, site, key)
    assert printed["whole"]["content"][0]["text"]
    assert printed["calling"]["content"][-1]["input"] == {"city": "Lisbon"}
    assert [block["type"] for block in printed["thinking"]["content"]] == ["thinking", "text"]
    assert printed["counted"]["input_tokens"] > 0
    assert len(printed["models"]) == 3 and printed["more"]
    assert printed["failure"] == ["BadRequestError", 400]
    assert json.dumps(printed["whole"]["usage"]["cost"])
