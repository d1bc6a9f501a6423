"""LlamaIndex with OpenRouter's integration."""

import asyncio
import base64

from feature import KEY, MODEL, PICTURE, PICTURE_QUESTION, QUESTION, SITE, WEATHER_QUESTION, feature, weather
from llama_index.core.agent.workflow import FunctionAgent
from llama_index.core.llms import ChatMessage, ImageBlock, TextBlock
from llama_index.llms.openrouter import OpenRouter
from pydantic import BaseModel

model = OpenRouter(
    model=MODEL,
    api_base=f"{SITE}/api/v1",
    api_key=KEY,
    is_function_calling_model=True,
    should_use_structured_outputs=True,
)


class City(BaseModel):
    """A city."""

    name: str
    population: int


@feature
def answer():
    assert model.complete(QUESTION).text
    assert model.chat([ChatMessage(QUESTION)]).message.content


@feature
def stream():
    assert len(list(model.stream_chat([ChatMessage(QUESTION)]))) > 2


@feature
def tools():
    async def ask():
        return await FunctionAgent(tools=[weather], llm=model).run(WEATHER_QUESTION)

    assert "17" in str(asyncio.run(ask()))


@feature
def structured_output():
    assert isinstance(model.as_structured_llm(City).complete("Describe Lisbon").raw, City)


@feature
def images():
    blocks = [TextBlock(text=PICTURE_QUESTION), ImageBlock(image=base64.b64decode(PICTURE), image_mimetype="image/png")]
    assert "image" in model.chat([ChatMessage(blocks=blocks)]).message.content
