"""OpenRouter's package for Python."""

import json

from feature import EMBEDDING_MODEL, KEY, MODEL, PICTURE_QUESTION, PICTURE_URL, QUESTION, SITE, THINKING_MODEL, feature
from openrouter import OpenRouter

client = OpenRouter(server_url=f"{SITE}/api/v1", api_key=KEY, timeout_ms=120_000)

QUESTIONS = [{"role": "user", "content": QUESTION}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@feature
def answer():
    reply = client.chat.send(model=MODEL, messages=QUESTIONS)
    assert reply.choices[0].message.content and reply.usage.total_tokens


@feature
def stream():
    with client.chat.send(model=MODEL, messages=QUESTIONS, stream=True) as events:
        assert "".join(event.choices[0].delta.content or "" for event in events if event.choices)


@feature
def tools():
    tool = {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}
    message = client.chat.send(model=MODEL, messages=QUESTIONS, tools=[tool], tool_choice="required").choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": "17 degrees"} for call in message.tool_calls]
    reply = client.chat.send(model=MODEL, messages=[*QUESTIONS, message, *results], tools=[tool])
    assert "17" in reply.choices[0].message.content


@feature
def structured_output():
    wanted = {"type": "json_schema", "json_schema": {"name": "city", "strict": True, "schema": SCHEMA}}
    reply = client.chat.send(model=MODEL, messages=QUESTIONS, response_format=wanted)
    assert json.loads(reply.choices[0].message.content)["city"]


@feature
def images():
    content = [{"type": "text", "text": PICTURE_QUESTION}, {"type": "image_url", "image_url": {"url": PICTURE_URL}}]
    reply = client.chat.send(model=MODEL, messages=[{"role": "user", "content": content}])
    assert "image" in reply.choices[0].message.content


@feature
def reasoning():
    reply = client.chat.send(model=THINKING_MODEL, messages=QUESTIONS, reasoning={"effort": "low"})
    assert reply.choices[0].message.reasoning and reply.choices[0].message.reasoning_details


@feature
def embeddings():
    assert len(client.embeddings.generate(model=EMBEDDING_MODEL, input=["one", "two"]).data) == 2


@feature
def models():
    assert MODEL in {model.id for model in client.models.list().result.data}
