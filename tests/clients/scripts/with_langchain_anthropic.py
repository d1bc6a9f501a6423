"""LangChain with Anthropic's integration."""

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
from langchain_anthropic import ChatAnthropic
from pydantic import BaseModel

model = ChatAnthropic(model=THINKING_MODEL, base_url=f"{SITE}/api", api_key=KEY)


class City(BaseModel):
    """A city."""

    name: str
    population: int


@feature
def answer():
    reply = model.invoke(QUESTION)
    assert reply.text and reply.usage_metadata["total_tokens"]
    assert ChatAnthropic(model=MODEL, base_url=f"{SITE}/api", api_key=KEY).invoke(QUESTION).text


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
    thinking = ChatAnthropic(
        model=THINKING_MODEL,
        base_url=f"{SITE}/api",
        api_key=KEY,
        max_tokens=3000,
        thinking={"type": "enabled", "budget_tokens": 1024},
    )
    assert [block for block in thinking.invoke(QUESTION).content_blocks if block["type"] == "reasoning"]
    agent = create_agent(thinking, [weather])
    assert "17" in agent.invoke({"messages": [("user", WEATHER_QUESTION)]})["messages"][-1].text
