"""Anthropic's package for Python."""

from anthropic import Anthropic, BadRequestError, NotFoundError, beta_tool
from feature import (
    KEY,
    MODEL,
    PICTURE,
    PICTURE_QUESTION,
    QUESTION,
    SITE,
    THINKING_MODEL,
    WEATHER_QUESTION,
    feature,
    weather,
)
from pydantic import BaseModel

client = Anthropic(base_url=f"{SITE}/api", api_key=KEY)

QUESTIONS = [{"role": "user", "content": QUESTION}]


class City(BaseModel):
    name: str
    population: int


@feature
def answer():
    for model in (THINKING_MODEL, MODEL):
        reply = client.messages.create(model=model, max_tokens=500, messages=QUESTIONS, system="Be brief.")
        assert reply.content[0].text and reply.usage.output_tokens
    assert client.messages.count_tokens(model=MODEL, messages=QUESTIONS).input_tokens


@feature
def stream():
    with client.messages.stream(model=THINKING_MODEL, max_tokens=500, messages=QUESTIONS) as events:
        assert list(events.text_stream)
        assert events.get_final_message().usage.output_tokens


@feature
def tools():
    question = [{"role": "user", "content": WEATHER_QUESTION}]
    for model in (THINKING_MODEL, MODEL):
        runner = client.beta.messages.tool_runner(
            model=model, max_tokens=500, messages=question, tools=[beta_tool(weather)]
        )
        assert "17" in runner.until_done().content[-1].text


@feature
def structured_output():
    for model in (THINKING_MODEL, MODEL):
        reply = client.messages.parse(model=model, max_tokens=500, messages=QUESTIONS, output_format=City)
        assert isinstance(reply.parsed_output, City)


@feature
def images():
    source = {"type": "base64", "media_type": "image/png", "data": PICTURE}
    content = [{"type": "image", "source": source}, {"type": "text", "text": PICTURE_QUESTION}]
    reply = client.messages.create(model=MODEL, max_tokens=500, messages=[{"role": "user", "content": content}])
    assert "image" in reply.content[0].text


@feature
def reasoning():
    thinking = {"type": "enabled", "budget_tokens": 1024}
    reply = client.messages.create(model=THINKING_MODEL, max_tokens=2000, messages=QUESTIONS, thinking=thinking)
    assert reply.content[0].thinking and reply.content[1].text
    question = [{"role": "user", "content": WEATHER_QUESTION}]
    runner = client.beta.messages.tool_runner(
        model=THINKING_MODEL, max_tokens=2000, messages=question, tools=[beta_tool(weather)], thinking=thinking
    )
    assert "17" in runner.until_done().content[-1].text


@feature
def models():
    assert client.models.list().data


@feature
def errors():
    try:
        client.messages.create(model="unknown/model", max_tokens=5, messages=QUESTIONS)
    except (NotFoundError, BadRequestError) as error:
        assert "unknown/model" in error.message
    else:
        raise AssertionError("an unknown model was answered")
