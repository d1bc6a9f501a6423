"""The description of the fields agrees with what the API accepts."""

import json
from typing import Any

import msgspec
import pytest

from common.errors import InvalidRequest
from gateway.protocols.chat_completions.body import CHAT_FIELDS, ProviderPreferences
from gateway.protocols.table import PARSERS
from models_catalog.reference.parameters import PARAMETERS
from request_builder.description import APIS, FIELDS, GROUPS, Field, Kind, fields_of
from request_builder.requests.bodies import body_of
from request_builder.requests.messages import Message

#: Fields of a chat request that the form does not offer: older spellings, and those without an effect here.
LEFT_OUT = {
    "best_of", "echo", "function_call", "functions", "image_config", "include_reasoning", "max_completion_tokens",
    "prompt", "reasoning_effort", "route", "safety_identifier", "stream_options", "structured_outputs", "suffix",
    "transforms", "usage",
}  # fmt: skip
VALUES = {
    Kind.TEXT: "a", Kind.LONG: "a", Kind.INTEGER: 1, Kind.NUMBER: 1, Kind.FLAG: True, Kind.NAMES: ["a"],
    Kind.LINES: ["a"], Kind.OBJECT: {}, Kind.LIST: [],
}  # fmt: skip


def body(api: str, **values: object) -> bytes:
    values = {"model": "a/b", "max_tokens": 2000, "input": ["a"]} | values
    return json.dumps(body_of(api, fields_of(api), values, [Message("user", "Hi")])).encode()


def refused(api: str, **values: object) -> bool:
    try:
        PARSERS[api](body(api, **values))
    except InvalidRequest:
        return True
    return False


@pytest.mark.parametrize("api", APIS)
def test_every_value_that_the_form_allows_is_one_that_the_api_accepts(api: str):
    for each in fields_of(api):
        values: list[Any] = [value for value, _ in each.choices] or [VALUES[each.kind]]
        if each.low is not None:
            values = [each.low + (0.01 if each.above else 0), *([each.high] if each.high is not None else [])]
            values = [int(value) for value in values] if each.kind is Kind.INTEGER else values
        for value in values:
            beside = {"reasoning_tokens": 1024} if (each.name, value) == ("thinking", "enabled") else {}
            assert not refused(api, **{each.name: value}, **beside), (each.name, value)


#: Limits that the API leaves to the models, or that the gateway does not need.
UNCHECKED = {"web_results", "provider_max_price_prompt", "provider_max_price_completion", "provider_max_price_request",
             "provider_preferred_min_throughput", "provider_preferred_max_latency", "seed"}  # fmt: skip


@pytest.mark.parametrize("each", [each for each in FIELDS if each.low is not None and each.name not in UNCHECKED])
def test_limits_are_those_of_the_api(each: Field):
    assert each.low is not None
    api = next(iter(each.places))
    assert refused(api, **{each.name: each.low if each.above else each.low - 1})
    if each.high is not None and each.high < 2**31 - 1:
        assert refused(api, **{each.name: int(each.high) + 1})


def test_the_form_has_every_field_of_a_chat_request_and_of_its_provider_preferences():
    places = {each.places.get("chat/completions", "").partition(".")[0] for each in FIELDS}
    built = {"model", "messages", "plugins", "response_format", "prediction"}
    assert CHAT_FIELDS - places - built == LEFT_OUT
    preferences = {each.places["chat/completions"].split(".")[1] for each in FIELDS if each.group == "providers"}
    assert preferences == set(ProviderPreferences.__struct_fields__)


def test_names_are_unique_and_known():
    for api in APIS:
        names = [each.name for each in fields_of(api)]
        assert len(names) == len(set(names))
    assert {each.group for each in FIELDS} <= {group.name for group in GROUPS}
    assert {each.parameter for each in FIELDS if each.parameter} <= {one.name for one in PARAMETERS}
    assert msgspec.json.decode(body("embeddings")) == {"model": "a/b", "input": "a"}
