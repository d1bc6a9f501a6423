"""LangChain with OpenRouter's integration."""

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
from langchain.agents import create_agent
from langchain_openrouter import ChatOpenRouter
from pydantic import BaseModel

model = ChatOpenRouter(model=MODEL, base_url=f"{SITE}/api/v1", api_key=KEY, timeout=120_000)


class City(BaseModel):
    """A city."""

    name: str
    population: int


@feature
def answer():
    reply = model.invoke(QUESTION)
    assert reply.text and reply.usage_metadata["total_tokens"]


@feature
def stream():
    chunks = list(model.stream([("system", "Be brief."), ("user", QUESTION)]))
    assert len(chunks) > 2
    whole = sum(chunks[1:], chunks[0])
    assert whole.text and whole.usage_metadata["total_tokens"]


@feature
def tools():
    agent = create_agent(model, [weather])
    question = {"messages": [("user", WEATHER_QUESTION)]}
    assert "17" in agent.invoke(question)["messages"][-1].text
    assert "17" in list(agent.stream(question, stream_mode="values"))[-1]["messages"][-1].text


@feature
def structured_output():
    for method in ("json_schema", "function_calling"):
        assert isinstance(model.with_structured_output(City, method=method).invoke("Describe Lisbon"), City), method


@feature
def images():
    content = [
        {"type": "text", "text": PICTURE_QUESTION},
        {"type": "image", "base64": PICTURE, "mime_type": "image/png"},
    ]
    assert "image" in model.invoke([{"role": "user", "content": content}]).text


@feature
def reasoning():
    thinking = ChatOpenRouter(
        model=THINKING_MODEL, base_url=f"{SITE}/api/v1", api_key=KEY, reasoning={"effort": "low"}, max_tokens=3000
    )
    reply = thinking.invoke(QUESTION)
    assert reply.additional_kwargs["reasoning_content"]
    agent = create_agent(thinking, [weather])
    assert "17" in agent.invoke({"messages": [("user", WEATHER_QUESTION)]})["messages"][-1].text
