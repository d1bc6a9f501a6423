"""Instructor, over OpenAI's package."""

import instructor
from feature import KEY, MODEL, PICTURE_QUESTION, PICTURE_URL, SITE, feature
from openai import OpenAI
from pydantic import BaseModel

client = instructor.from_openai(OpenAI(base_url=f"{SITE}/api/v1", api_key=KEY))


class City(BaseModel):
    name: str
    population: int


QUESTION = {"model": MODEL, "messages": [{"role": "user", "content": "Describe Lisbon"}], "max_retries": 1}


@feature
def answer():
    assert client.create(response_model=str, **QUESTION)


@feature
def stream():
    pieces = list(client.create_partial(response_model=City, **QUESTION))
    assert pieces[-1].population is not None
    assert list(client.create_iterable(response_model=City, **QUESTION))


@feature
def tools():
    city, completion = client.create_with_completion(response_model=City, **QUESTION)
    assert isinstance(city, City) and completion.usage.total_tokens


@feature
def structured_output():
    modes = ("TOOLS", "TOOLS_STRICT", "JSON", "MD_JSON", "JSON_SCHEMA")
    for name in modes:
        typed = instructor.from_openai(OpenAI(base_url=f"{SITE}/api/v1", api_key=KEY), mode=instructor.Mode[name])
        assert isinstance(typed.create(response_model=City, **QUESTION), City), name


@feature
def images():
    content = [PICTURE_QUESTION, instructor.Image.from_base64(PICTURE_URL)]
    messages = [{"role": "user", "content": content}]
    assert client.create(response_model=City, model=MODEL, messages=messages, max_retries=1)
