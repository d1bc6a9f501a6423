"""LangChain with OpenAI's integration."""

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
from langchain.agents import create_agent
from langchain_openai import ChatOpenAI, OpenAIEmbeddings
from pydantic import BaseModel

model = ChatOpenAI(model=MODEL, base_url=f"{SITE}/api/v1", api_key=KEY)


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
def embeddings():
    made = OpenAIEmbeddings(
        model=EMBEDDING_MODEL,
        base_url=f"{SITE}/api/v1",
        api_key=KEY,
        check_embedding_ctx_length=False,  # sends texts; with True it sends token numbers of OpenAI's tokenizer
    )
    assert len(made.embed_documents(["one", "two"])) == 2


@feature
def responses():
    assert ChatOpenAI(model=MODEL, base_url=f"{SITE}/api/v1", api_key=KEY, use_responses_api=True).invoke(QUESTION).text
