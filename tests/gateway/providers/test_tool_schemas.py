"""The parameters of a tool as one object that means the same."""

import pytest

from gateway.providers.tool_schemas import as_object
from tests.gateway.native import for_anthropic, for_google

CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
PLACE = {
    "type": "object",
    "properties": {"lat": {"type": "number"}, "lon": {"type": "number"}, "city": {"type": "integer"}},
    "required": ["lat", "lon"],
}
CHOICE = "Give one of these sets: city; or lat, lon, city."
UNIT = {"unit": {"type": "string"}}
ONE_OF = {"oneOf": [CITY, PLACE]}
EITHER = {
    "city": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
    "lat": {"type": "number"},
    "lon": {"type": "number"},
}

CASES = {
    "an object": (CITY, CITY),
    "no parameters": ({}, {"type": "object", "properties": {}}),
    "a map": (
        {"type": "object", "additionalProperties": {"type": "string"}},
        {"type": "object", "additionalProperties": {"type": "string"}, "properties": {}},
    ),
    "anyOf": ({"anyOf": [CITY, PLACE]}, {"type": "object", "properties": EITHER, "description": CHOICE}),
    "oneOf beside properties": (
        {"type": "object", "description": "Where.", "properties": UNIT, "required": ["unit"], **ONE_OF},
        {"type": "object", "properties": UNIT | EITHER, "required": ["unit"], "description": f"Where. {CHOICE}"},
    ),
    "anyOf with null": ({"anyOf": [CITY, {"type": "null"}]}, CITY),
    "allOf": (
        {"allOf": [CITY, {"properties": {"unit": {"type": "string"}}, "required": ["unit"]}]},
        {
            "type": "object",
            "properties": {"city": {"type": "string"}, "unit": {"type": "string"}},
            "required": ["city", "unit"],
        },
    ),
    "$ref": ({"$ref": "#/$defs/City", "$defs": {"City": CITY}}, CITY | {"$defs": {"City": CITY}}),
    "anyOf with $ref": (
        {"anyOf": [{"$ref": "#/$defs/City"}, PLACE], "$defs": {"City": CITY}},
        {"type": "object", "properties": EITHER, "description": CHOICE, "$defs": {"City": CITY}},
    ),
    "a reference to nothing": ({"$ref": "#/$defs/None"}, {"type": "object", "properties": {}}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_schema_becomes_one_object(case):
    schema, expected = CASES[case]
    before = repr(schema)
    assert as_object(schema) == expected
    assert repr(schema) == before


def test_a_schema_that_refers_to_itself_ends():
    assert as_object({"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/A"}}})["type"] == "object"
    assert as_object({"anyOf": [{"$ref": "#"}, CITY]})["type"] == "object"


@pytest.mark.parametrize("case", set(CASES) - {"no parameters", "a reference to nothing"})
def test_every_protocol_declares_every_tool_as_an_object(case):
    tool = {"type": "function", "function": {"name": "find", "parameters": CASES[case][0]}}
    (anthropic,) = for_anthropic(tools=[tool])["tools"]
    (google,) = for_google(tools=[tool])["tools"][0]["functionDeclarations"]
    assert anthropic["input_schema"] == google["parametersJsonSchema"] == CASES[case][1]


def test_references_to_one_another_are_folded_in_bounded_work():
    several = [{"$ref": "#/$defs/a"}] * 1000
    assert as_object({"anyOf": several, "$defs": {"a": {"anyOf": several}}})["type"] == "object"


def test_malformed_keywords_are_left_to_the_provider():
    odd = {"required": [{}], "properties": {"b": {}}}
    folded = as_object({"allOf": [odd, odd], "anyOf": [{"properties": {"a": {}}, "required": 5}]})
    assert folded["required"] == [{}]
    assert set(folded["properties"]) == {"a", "b"}
