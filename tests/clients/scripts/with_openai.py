"""OpenAI's package for Python."""

import base64
import json

import openai
from feature import EMBEDDING_MODEL, KEY, MODEL, PICTURE_QUESTION, PICTURE_URL, QUESTION, SITE, THINKING_MODEL, feature
from openai import OpenAI
from pydantic import BaseModel

client = OpenAI(base_url=f"{SITE}/api/v1", api_key=KEY)

TOOL = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
QUESTIONS = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": QUESTION}]


class City(BaseModel):
    name: str
    population: int


@feature
def answer():
    reply = client.chat.completions.create(model=MODEL, messages=QUESTIONS)
    assert reply.choices[0].message.content and reply.usage.total_tokens


@feature
def stream():
    with client.chat.completions.stream(
        model=MODEL, messages=QUESTIONS, stream_options={"include_usage": True}
    ) as events:
        assert [event for event in events if event.type == "content.delta"]
        assert events.get_final_completion().usage.total_tokens


@feature
def tools():
    messages = [{"role": "user", "content": "What is the weather in Lisbon?"}]
    with client.chat.completions.stream(model=MODEL, messages=messages, tools=[TOOL]) as events:
        message = events.get_final_completion().choices[0].message
    messages.append(message.model_dump())  # with every null, as the package writes it
    for call in message.tool_calls:
        assert json.loads(call.function.arguments)["city"]
        messages.append({"role": "tool", "tool_call_id": call.id, "content": "17 degrees"})
    assert (
        "17" in client.chat.completions.create(model=MODEL, messages=messages, tools=[TOOL]).choices[0].message.content
    )


@feature
def structured_output():
    parsed = client.chat.completions.parse(model=MODEL, messages=QUESTIONS, response_format=City)
    assert isinstance(parsed.choices[0].message.parsed, City)
    with client.chat.completions.stream(model=MODEL, messages=QUESTIONS, response_format=City) as events:
        assert isinstance(events.get_final_completion().choices[0].message.parsed, City)


@feature
def images():
    content = [
        {"type": "text", "text": PICTURE_QUESTION},
        {"type": "image_url", "image_url": {"url": PICTURE_URL, "detail": "low"}},
    ]
    reply = client.chat.completions.create(model=MODEL, messages=[{"role": "user", "content": content}])
    assert "image" in reply.choices[0].message.content


@feature
def reasoning():
    reply = client.chat.completions.create(model=THINKING_MODEL, messages=QUESTIONS, reasoning_effort="low")
    assert reply.choices[0].message.reasoning
    assert reply.usage.completion_tokens_details.reasoning_tokens


@feature
def embeddings():
    for encoding in ({}, {"encoding_format": "float"}, {"encoding_format": "base64"}):
        made = client.embeddings.create(model=EMBEDDING_MODEL, input=["one", "two"], **encoding)
        assert len(made.data) == 2
        vector = made.data[0].embedding
        assert len(base64.b64decode(vector)) > 400 if isinstance(vector, str) else isinstance(vector[0], float)


@feature
def responses():
    reply = client.responses.create(model=MODEL, input=QUESTION)
    assert reply.output_text and reply.usage.total_tokens
    with client.responses.stream(model=MODEL, input=QUESTION) as events:
        assert [event for event in events if event.type == "response.output_text.delta"]
        assert events.get_final_response().output_text
    assert isinstance(client.responses.parse(model=MODEL, input=QUESTION, text_format=City).output_parsed, City)


@feature
def models():
    assert MODEL in {model.id for model in client.models.list()}
    assert client.models.retrieve(MODEL).id == MODEL


@feature
def errors():
    try:
        client.chat.completions.create(model="unknown/model", messages=QUESTIONS)
    except openai.BadRequestError as error:
        assert "unknown/model" in error.message
    else:
        raise AssertionError("an unknown model was answered")
