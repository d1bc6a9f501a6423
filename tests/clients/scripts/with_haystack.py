"""Haystack."""

from feature import (
    EMBEDDING_MODEL,
    KEY,
    MODEL,
    PICTURE,
    PICTURE_QUESTION,
    QUESTION,
    SITE,
    WEATHER_QUESTION,
    feature,
    weather,
)
from haystack.components.agents import Agent
from haystack.components.embedders import OpenAITextEmbedder
from haystack.components.generators.chat import OpenAIChatGenerator
from haystack.dataclasses import ChatMessage, ImageContent
from haystack.tools import create_tool_from_function
from haystack.utils import Secret
from pydantic import BaseModel

generator = OpenAIChatGenerator(model=MODEL, api_base_url=f"{SITE}/api/v1", api_key=Secret.from_token(KEY))

tool = create_tool_from_function(weather)


class City(BaseModel):
    name: str
    population: int


@feature
def answer():
    [reply] = generator.run([ChatMessage.from_system("Be brief."), ChatMessage.from_user(QUESTION)])["replies"]
    assert reply.text and reply.meta["usage"]["total_tokens"]


@feature
def stream():
    chunks = []
    generator.run([ChatMessage.from_user(QUESTION)], streaming_callback=chunks.append)
    assert len(chunks) > 2


@feature
def tools():
    for callback in (None, lambda chunk: None):
        agent = Agent(chat_generator=generator, tools=[tool], streaming_callback=callback)
        assert "17" in agent.run(messages=[ChatMessage.from_user(WEATHER_QUESTION)])["last_message"].text


@feature
def structured_output():
    wanted = {"response_format": City}
    [reply] = generator.run([ChatMessage.from_user(QUESTION)], generation_kwargs=wanted)["replies"]
    assert City.model_validate_json(reply.text)


@feature
def images():
    picture = ImageContent(base64_image=PICTURE, mime_type="image/png")
    [reply] = generator.run([ChatMessage.from_user(content_parts=[PICTURE_QUESTION, picture])])["replies"]
    assert "image" in reply.text


@feature
def embeddings():
    made = OpenAITextEmbedder(model=EMBEDDING_MODEL, api_base_url=f"{SITE}/api/v1", api_key=Secret.from_token(KEY))
    assert made.run("one")["embedding"]
