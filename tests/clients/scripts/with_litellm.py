"""LiteLLM."""

import asyncio
import json

import litellm
from feature import (
    EMBEDDING_MODEL,
    KEY,
    MODEL,
    PICTURE_QUESTION,
    PICTURE_URL,
    QUESTION,
    SITE,
    THINKING_MODEL,
    WEATHER_QUESTION,
    feature,
)
from pydantic import BaseModel

GATEWAY = {
    "model": f"openrouter/{MODEL}",
    "api_base": f"{SITE}/api/v1",
    "api_key": KEY,
}

QUESTIONS = [{"role": "user", "content": QUESTION}]
TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class City(BaseModel):
    name: str
    population: int


@feature
def answer():
    reply = litellm.completion(messages=QUESTIONS, **GATEWAY)
    assert reply.choices[0].message.content and reply.usage.total_tokens
    through_openai = {**GATEWAY, "model": f"openai/{MODEL}"}
    assert litellm.completion(messages=QUESTIONS, **through_openai).choices[0].message.content


@feature
def stream():
    chunks = list(
        litellm.completion(messages=QUESTIONS, stream=True, stream_options={"include_usage": True}, **GATEWAY)
    )
    whole = litellm.stream_chunk_builder(chunks, messages=QUESTIONS)
    assert whole.choices[0].message.content and whole.usage.total_tokens

    async def read():
        return [chunk async for chunk in await litellm.acompletion(messages=QUESTIONS, stream=True, **GATEWAY)]

    assert len(asyncio.run(read())) > 2


@feature
def tools():
    messages = [{"role": "user", "content": WEATHER_QUESTION}]
    chunks = list(litellm.completion(messages=messages, tools=[TOOL], stream=True, **GATEWAY))
    message = litellm.stream_chunk_builder(chunks, messages=messages).choices[0].message
    messages.append(message.model_dump())
    for call in message.tool_calls:
        assert json.loads(call.function.arguments)["city"]
        messages.append({"role": "tool", "tool_call_id": call.id, "content": "17 degrees"})
    assert "17" in litellm.completion(messages=messages, tools=[TOOL], **GATEWAY).choices[0].message.content


@feature
def structured_output():
    reply = litellm.completion(messages=QUESTIONS, response_format=City, **GATEWAY)
    assert City.model_validate_json(reply.choices[0].message.content)


@feature
def images():
    content = [{"type": "text", "text": PICTURE_QUESTION}, {"type": "image_url", "image_url": {"url": PICTURE_URL}}]
    reply = litellm.completion(messages=[{"role": "user", "content": content}], **GATEWAY)
    assert "image" in reply.choices[0].message.content


@feature
def reasoning():
    thinking = {**GATEWAY, "model": f"openrouter/{THINKING_MODEL}"}
    reply = litellm.completion(messages=QUESTIONS, reasoning_effort="low", max_tokens=3000, **thinking)
    assert reply.choices[0].message.reasoning_content
    messages = [{"role": "user", "content": WEATHER_QUESTION}]
    reply = litellm.completion(messages=messages, tools=[TOOL], reasoning_effort="low", max_tokens=3000, **thinking)
    message = reply.choices[0].message
    messages.append(message)
    for call in message.tool_calls:
        messages.append({"role": "tool", "tool_call_id": call.id, "content": "17 degrees"})
    reply = litellm.completion(messages=messages, tools=[TOOL], reasoning_effort="low", max_tokens=3000, **thinking)
    assert "17" in reply.choices[0].message.content


@feature
def embeddings():
    made = litellm.embedding(input=["one", "two"], **{**GATEWAY, "model": f"openrouter/{EMBEDDING_MODEL}"})
    assert len(made.data) == 2
