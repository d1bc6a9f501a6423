"""Pydantic AI."""

import base64

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
from openai import AsyncOpenAI
from pydantic import BaseModel
from pydantic_ai import Agent, BinaryContent, NativeOutput, PromptedOutput, ToolOutput
from pydantic_ai.models.openrouter import OpenRouterModel, OpenRouterModelSettings
from pydantic_ai.providers.openrouter import OpenRouterProvider

client = AsyncOpenAI(base_url=f"{SITE}/api/v1", api_key=KEY)
model = OpenRouterModel(MODEL, provider=OpenRouterProvider(openai_client=client))

agent = Agent(model, instructions="Be brief.")


class City(BaseModel):
    name: str
    population: int


@feature
def answer():
    result = agent.run_sync(QUESTION)
    assert result.output and result.usage.output_tokens


@feature
def stream():
    result = agent.run_stream_sync(QUESTION)
    assert len(list(result.stream_text(delta=True, debounce_by=None))) > 2 and result.usage.output_tokens


@feature
def tools():
    assert "17" in Agent(model, tools=[weather]).run_sync(WEATHER_QUESTION).output


@feature
def structured_output():
    for kind in (ToolOutput, NativeOutput, PromptedOutput):
        result = Agent(model, output_type=kind(City)).run_sync("Describe Lisbon")
        assert isinstance(result.output, City), kind


@feature
def images():
    picture = BinaryContent(base64.b64decode(PICTURE), media_type="image/png")
    assert "image" in agent.run_sync([PICTURE_QUESTION, picture]).output


@feature
def reasoning():
    thinking = OpenRouterModel(THINKING_MODEL, provider=OpenRouterProvider(openai_client=client))
    settings = OpenRouterModelSettings(openrouter_reasoning={"effort": "low"}, max_tokens=3000)
    result = Agent(thinking, tools=[weather], model_settings=settings).run_sync(WEATHER_QUESTION)
    assert "17" in result.output
    assert [part for message in result.all_messages() for part in message.parts if part.part_kind == "thinking"]
