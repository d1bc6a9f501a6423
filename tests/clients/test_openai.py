"""Unmodified clients against the running site: OpenAI's packages, fetch, curl."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from decimal import Decimal
from operator import mul
from typing import Any

import pytest
import requests
from openai import APIStatusError, AuthenticationError, BadRequestError, OpenAI, OpenAIError
from pydantic import BaseModel

from scripts.environment import ROOT
from tests.browser.people import Person
from tests.support.processes import Site

MODEL = "openai/gpt-4o-mini"
QUESTION: list[Any] = [{"role": "user", "content": "What is the meaning of life?"}]
PIXEL = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ"
    "AAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture
def key(customer: Person) -> str:
    return customer.key


@pytest.fixture
def client(site: Site, key: str) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{site.url}/api/v1", api_key=key, max_retries=0) as client:
        yield client


# --- OpenAI's Python package ----------------------------------------------------------------------------


def test_usage_and_cost_are_always_returned_and_may_be_requested(client: OpenAI):
    for extra in ({}, {"usage": {"include": True}}):
        reply = client.chat.completions.create(model=MODEL, messages=QUESTION, extra_body=extra)
        assert reply.usage and reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
        assert Decimal(str(reply.usage.to_dict()["cost"])) > 0


def test_one_client_uses_models_of_every_kind_of_provider(client: OpenAI):
    models = (
        "openai/gpt-4o-mini",
        "anthropic/claude-sonnet-4.5",
        "google/gemini-2.5-flash",
        "deepseek/deepseek-chat-v3.1",
    )
    for model in models:
        whole = client.chat.completions.create(model=model, messages=QUESTION)
        assert whole.choices[0].message.content and whole.choices[0].finish_reason == "stop", model
        pieces = list(client.chat.completions.create(model=model, messages=QUESTION, stream=True))
        assert pieces[-1].usage or pieces[-2].usage, model
        finished = [piece.choices[0].finish_reason for piece in pieces if piece.choices]
        assert [reason for reason in finished if reason] == ["stop"], model


def test_tool_calls_results_and_choices(client: OpenAI):
    messages: list[Any] = [{"role": "user", "content": "What is the weather in Lisbon?"}]
    calling = client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER], tool_choice="required")
    assert calling.choices[0].finish_reason == "tool_calls"
    [call] = calling.choices[0].message.tool_calls or []
    assert call.type == "function" and json.loads(call.function.arguments)["city"]

    messages += [
        calling.choices[0].message,
        {"role": "tool", "tool_call_id": call.id, "content": "17 degrees and sunny"},
    ]
    replied = client.chat.completions.create(model=MODEL, messages=messages, tools=[WEATHER])
    assert "17" in (replied.choices[0].message.content or "")

    named: Any = {"type": "function", "function": {"name": "get_weather"}}
    stream = client.chat.completions.create(
        model=MODEL, messages=messages[:1], tools=[WEATHER], tool_choice=named, stream=True
    )
    deltas = [piece.choices[0].delta for piece in stream if piece.choices]
    calls = [call for delta in deltas for call in delta.tool_calls or [] if call.function]
    assert json.loads("".join(call.function.arguments or "" for call in calls if call.function))["city"]

    none = client.chat.completions.create(model=MODEL, messages=messages[:1], tools=[WEATHER], tool_choice="none")
    assert not none.choices[0].message.tool_calls


def test_a_response_follows_a_schema(client: OpenAI):
    class City(BaseModel):
        name: str
        population: int

    parsed = client.chat.completions.parse(
        model=MODEL, messages=[{"role": "user", "content": "Describe Lisbon"}], response_format=City
    )
    assert isinstance(parsed.choices[0].message.parsed, City)
    untyped = client.chat.completions.create(model=MODEL, messages=QUESTION, response_format={"type": "json_object"})
    assert isinstance(json.loads(untyped.choices[0].message.content or ""), dict)


def test_limits_stop_sequences_and_seeds_reach_the_model(client: OpenAI):
    def ask(**options: Any) -> Any:
        return client.chat.completions.create(model=MODEL, messages=QUESTION, **options)

    short = ask(max_tokens=5)
    assert short.usage.completion_tokens == 5 and short.choices[0].finish_reason == "length"
    counted: list[Any] = [{"role": "user", "content": "Say exactly: 1 2 3 4 5 6 7 8 9"}]
    stopped = client.chat.completions.create(model=MODEL, messages=counted, stop=["5"]).choices[0].message.content or ""
    assert "4" in stopped and "5" not in stopped
    steady = {"temperature": 0.3, "top_p": 0.9, "frequency_penalty": 0.1, "presence_penalty": 0.1, "seed": 7}
    assert ask(**steady).choices[0].message.content == ask(**steady).choices[0].message.content


def test_reasoning_is_returned_counted_and_hidden_on_request(client: OpenAI):
    def ask(reasoning: dict[str, Any]) -> Any:
        return client.chat.completions.create(
            model="anthropic/claude-sonnet-4.5", messages=QUESTION, extra_body={"reasoning": reasoning}
        )

    shown = ask({"effort": "high"})
    assert shown.choices[0].message.reasoning
    assert shown.usage.completion_tokens_details.reasoning_tokens > 0
    hidden = ask({"effort": "high", "exclude": True})
    assert not getattr(hidden.choices[0].message, "reasoning", None)
    assert hidden.usage.completion_tokens_details.reasoning_tokens > 0


def test_images_reach_the_model(client: OpenAI):
    content = [{"type": "text", "text": "What is this?"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    messages: list[Any] = [{"role": "user", "content": content}]
    reply = client.chat.completions.create(model=MODEL, messages=messages)
    assert "image" in (reply.choices[0].message.content or "").lower()


def test_the_completions_endpoint_works_with_a_chat_model(client: OpenAI):
    whole = client.completions.create(model=MODEL, prompt="Once upon a time", max_tokens=20)
    assert whole.choices[0].text and whole.object == "text_completion"
    pieces = list(client.completions.create(model=MODEL, prompt="Once upon a time", max_tokens=20, stream=True))
    assert "".join(piece.choices[0].text for piece in pieces if piece.choices)


@pytest.mark.parametrize(
    ("model", "dimensions"),
    [
        ("openai/text-embedding-3-small", 1536),
        ("cohere/embed-english-v3.0", 1024),
        ("mistralai/mistral-embed-2312", 1024),
        ("google/gemini-embedding-001", 3072),
        ("qwen/qwen3-embedding-8b", 4096),
    ],
)
def test_embeddings_of_any_provider_are_vectors(client: OpenAI, model: str, dimensions: int):
    texts = ["The cat sat on the mat", "A cat is sitting on a mat", "Interest rates rose in June"]
    reply = client.embeddings.create(model=model, input=texts)  # asks for base64, and decodes it
    cat, mat, rates = (item.embedding for item in reply.data)
    assert (reply.model, len(cat)) == (model, dimensions) and reply.usage.prompt_tokens > 0
    assert sum(map(mul, cat, mat)) > 2 * abs(sum(map(mul, cat, rates)))
    plain = client.embeddings.create(model=model, input=texts[0], encoding_format="float").data[0].embedding
    assert plain == pytest.approx(cat, abs=1e-6)


def test_embeddings_of_tokens_and_of_fewer_dimensions(client: OpenAI):
    model = "openai/text-embedding-3-large"
    tokens = client.embeddings.create(model=model, input=[[9906, 1917], [15339]], dimensions=256)
    assert [len(item.embedding) for item in tokens.data] == [256, 256] and tokens.usage.total_tokens == 3
    with pytest.raises(BadRequestError, match="chat/completions"):
        client.embeddings.create(model=MODEL, input="Hello")


def test_errors_are_exceptions_of_the_package(site: Site, client: OpenAI):
    with pytest.raises(BadRequestError, match="unknown/model"):
        client.chat.completions.create(model="unknown/model", messages=QUESTION)
    with pytest.raises(AuthenticationError):
        OpenAI(base_url=f"{site.url}/api/v1", api_key="sk-or-v1-wrong").chat.completions.create(
            model=MODEL, messages=QUESTION
        )
    with pytest.raises(APIStatusError) as failed:
        client.chat.completions.create(model=MODEL, messages=QUESTION, extra_headers={"X-Sandbox-Fault": "*=503"})
    assert failed.value.status_code in {502, 503}
    with pytest.raises(OpenAIError):
        stream = client.chat.completions.create(
            model=MODEL, messages=QUESTION, stream=True, extra_headers={"X-Sandbox-Fault": "*=error-in-stream:3"}
        )
        list(stream)


def test_the_calling_app_is_recorded_when_it_is_named(site: Site, client: OpenAI):
    headers = {"HTTP-Referer": "https://lighthouse.example/start?who=me", "X-Title": "Lighthouse"}
    named = client.chat.completions.create(model=MODEL, messages=QUESTION, extra_headers=headers)
    unnamed = client.chat.completions.create(model=MODEL, messages=QUESTION)
    apps = dict(
        site.rows(f"SELECT id, app || ' ' || app_title FROM gateway_generation WHERE id IN {named.id, unnamed.id}")
    )
    assert apps == {named.id: "https://lighthouse.example/start Lighthouse", unnamed.id: " "}


# --- Without the package ----------------------------------------------------------------------------------


def test_curl_works_as_the_quickstart_shows(site: Site, key: str):
    curl = shutil.which("curl")
    if not curl:
        pytest.skip("curl is not installed.")
    body = json.dumps({"model": MODEL, "messages": QUESTION})
    headers = ["-H", f"Authorization: Bearer {key}", "-H", "Content-Type: application/json"]
    command = [curl, "--silent", "--noproxy", "*", f"{site.url}/api/v1/chat/completions", *headers, "-d", body]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert json.loads(printed)["choices"][0]["message"]["content"]


def test_a_browsers_preflight_request_is_allowed(site: Site):
    preflight = requests.options(
        f"{site.url}/api/v1/chat/completions",
        headers={
            "Origin": "https://app.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,content-type,http-referer,x-title",
        },
        timeout=30,
    )
    assert preflight.ok and preflight.headers["Access-Control-Allow-Origin"] == "*"
    allowed = {name.strip().lower() for name in preflight.headers["Access-Control-Allow-Headers"].split(",")}
    assert {"authorization", "content-type", "http-referer", "x-title"} <= allowed


# --- JavaScript -------------------------------------------------------------------------------------------

FETCH = """
const response = await fetch(`${process.env.BASE_URL}/chat/completions`, {
  method: "POST",
  headers: {
    Authorization: `Bearer ${process.env.KEY}`,
    "HTTP-Referer": "https://lighthouse.example",
    "X-Title": "Lighthouse",
    "Content-Type": "application/json",
  },
  body: JSON.stringify({
    model: process.env.MODEL,
    messages: [{ role: "user", content: "What is the meaning of life?" }],
  }),
});
const answer = await response.json();
console.log(JSON.stringify({ text: answer.choices[0].message.content }));
"""

PACKAGE = """
import OpenAI from "openai";
const openai = new OpenAI({
  baseURL: process.env.BASE_URL,
  apiKey: process.env.KEY,
  defaultHeaders: { "HTTP-Referer": "https://lighthouse.example", "X-Title": "Lighthouse" },
});
const question = { model: process.env.MODEL, messages: [{ role: "user", content: "What is the meaning of life?" }] };
const completion = await openai.chat.completions.create(question);
let streamed = "";
let usage;
for await (const chunk of await openai.chat.completions.create({ ...question, stream: true })) {
  streamed += chunk.choices[0]?.delta.content ?? "";
  usage = chunk.usage ?? usage;
}
let status;
try {
  await openai.chat.completions.create({ ...question, model: "unknown/model" });
} catch (error) {
  status = error.status;
}
console.log(JSON.stringify({ text: completion.choices[0].message.content, streamed, usage, status }));
"""


def run_javascript(program: str, site: Site, key: str) -> dict[str, Any]:
    node = shutil.which("node")
    if not node:
        pytest.skip("Node.js is not installed.")
    env = {"BASE_URL": f"{site.url}/api/v1", "KEY": key, "MODEL": MODEL, "NO_PROXY": "127.0.0.1"}
    ended = subprocess.run(
        [node, "--input-type=module", "-e", program], cwd=ROOT, env=env, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 0, ended.stderr
    printed: dict[str, Any] = json.loads(ended.stdout)
    return printed


def test_fetch_works_as_the_quickstart_shows(site: Site, key: str):
    assert run_javascript(FETCH, site, key)["text"]


def test_the_typescript_package_works_with_this_base_url(site: Site, key: str):
    printed = run_javascript(PACKAGE, site, key)
    assert printed["text"] and printed["streamed"]
    assert printed["usage"]["completion_tokens"] > 0 and printed["usage"]["cost"] > 0
    assert printed["status"] == 400
