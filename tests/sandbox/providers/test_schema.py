"""JSON by schema: values are valid against any schema."""

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.providers.prompts.schemas import check_schema
from sandbox.providers.writer.hints import Hints
from sandbox.providers.writer.pattern import matching
from sandbox.providers.writer.values import value_for

PROMPT = "Alice Smith (30 years, alice@example.com) lives in Oslo since 2020-05-01. She likes tea, chess and rain."


def faults(value: Any, schema: Any, root: Any, path: str = "$") -> list[str]:
    """The faults of `value`: a plain reading of JSON Schema, written apart from the code it checks."""
    if schema is True or schema == {}:
        return []
    if "$ref" in schema:
        target = root
        for step in schema["$ref"].removeprefix("#/").split("/") if schema["$ref"] != "#" else ():
            target = target[step]
        return faults(value, target, root, path)
    found = []
    for key in ("anyOf", "oneOf"):
        if key in schema and not any(not faults(value, option, root, path) for option in schema[key]):
            found.append(f"{path} fits no {key}")
    for part in schema.get("allOf", ()):
        found += faults(value, part, root, path)
    if "const" in schema and value != schema["const"]:
        found.append(f"{path} is not {schema['const']}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{path} is not one of {schema['enum']}")
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if kinds and not any(is_a(value, kind) for kind in kinds):
        return [*found, f"{path} is {value!r}, not {kinds}"]
    match value:
        case str():
            found += faults_of_text(value, schema, path)
        case int() | float() if not isinstance(value, bool):
            found += faults_of_number(value, schema, path)
        case list():
            found += faults_of_list(value, schema, root, path)
        case dict():
            found += faults_of_object(value, schema, root, path)
    return found


def faults_of_text(value, schema, path):
    if len(value) < schema.get("minLength", 0) or len(value) > schema.get("maxLength", 10**9):
        yield f"{path} has a wrong length: {value!r}"
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{path} does not match {schema['pattern']}: {value!r}"


def faults_of_number(value, schema, path):
    low, high = schema.get("minimum", float("-inf")), schema.get("maximum", float("inf"))
    if not low <= value <= high:
        yield f"{path} = {value} is outside {low}..{high}"
    if "exclusiveMinimum" in schema and value <= schema["exclusiveMinimum"]:
        yield f"{path} = {value} is too small"
    if "exclusiveMaximum" in schema and value >= schema["exclusiveMaximum"]:
        yield f"{path} = {value} is too large"
    if "multipleOf" in schema and abs(value / schema["multipleOf"] - round(value / schema["multipleOf"])) > 1e-9:
        yield f"{path} = {value} is no multiple of {schema['multipleOf']}"


def faults_of_list(value, schema, root, path):
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 10**9):
        yield f"{path} has {len(value)} items"
    if schema.get("uniqueItems") and len({json.dumps(item) for item in value}) < len(value):
        yield f"{path} repeats itself: {value}"
    for number, item in enumerate(value):
        yield from faults(item, schema.get("items", {}), root, f"{path}[{number}]")


def faults_of_object(value, schema, root, path):
    yield from (f"{path}.{key} is missing" for key in schema.get("required", ()) if key not in value)
    properties, extra = schema.get("properties", {}), schema.get("additionalProperties", {})
    for key, item in value.items():
        if key in properties:
            yield from faults(item, properties[key], root, f"{path}.{key}")
        elif extra is False:
            yield f"{path}.{key} is not allowed"
        else:
            yield from faults(item, extra, root, f"{path}.{key}")


def is_a(value: Any, kind: str) -> bool:
    if kind in ("integer", "number") and isinstance(value, bool):
        return False
    types = {
        "object": dict, "array": list, "string": str, "integer": int, "number": int | float, "boolean": bool,
        "null": type(None),
    }  # fmt: skip
    return isinstance(value, types[kind])


@st.composite
def numbers(draw):
    schema = {"type": draw(st.sampled_from(["integer", "number"]))}
    low = draw(st.integers(-1000, 1000))
    high = low + draw(st.integers(4, 1000))
    names = draw(
        st.sampled_from(
            [(), ("minimum", "maximum"), ("minimum",), ("maximum",), ("exclusiveMinimum", "exclusiveMaximum")]
        )
    )
    schema |= dict(zip(names, (high if names == ("maximum",) else low, high), strict=False))
    if draw(st.booleans()):
        schema["multipleOf"] = draw(st.sampled_from([1, 2]))
    return schema


LEAVES = (
    st.sampled_from(
        [
            {"type": "boolean"}, {"type": "null"}, {"const": "fixed"}, {"enum": ["red", "green", 3]},
            {"type": "string"},
            {"type": "string", "format": "date"}, {"type": "string", "format": "email"}, {"type": ["string", "null"]},
            {"type": "string", "pattern": "^[A-Z]{3}-\\d{2,4}$"}, {"type": "string", "minLength": 50},
            {"type": "string", "minLength": 2, "maxLength": 4},
        ]
    )
    | numbers()
)  # fmt: skip


def nested(parts):
    names = st.sampled_from(["name", "city", "age", "items", "note", "email", "when", "count"])
    objects = st.dictionaries(names, parts, min_size=1, max_size=4).flatmap(
        lambda properties: st.builds(
            lambda required, closed: {
                "type": "object",
                "properties": properties,
                "required": required,
                **({"additionalProperties": False} if closed else {}),
            },
            st.lists(st.sampled_from(sorted(properties)), unique=True),
            st.booleans(),
        )
    )
    arrays = st.builds(
        lambda items, least, more: {"type": "array", "items": items, "minItems": least, "maxItems": least + more},
        parts, st.integers(0, 4), st.integers(0, 4),
    )  # fmt: skip
    unions = st.lists(parts, min_size=1, max_size=3).map(lambda options: {"anyOf": options})
    return objects | arrays | unions


@settings(max_examples=150, deadline=None)
@given(
    st.recursive(LEAVES, nested, max_leaves=12), st.sampled_from([PROMPT, "", "Hello", "5 items, 3 names and no city"])
)
def test_any_schema_gets_a_value_that_is_valid(schema, prompt):
    check_schema(schema, "schema")
    value = value_for(schema, Hints(prompt))
    assert faults(value, schema, schema) == []
    assert json.loads(json.dumps(value)) == value


NODE = {
    "type": "object",
    "properties": {
        "label": {"type": "string"},
        "children": {"type": "array", "items": {"$ref": "#/$defs/node"}},
        "parent": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
    },
    "required": ["label", "children", "parent"],
    "additionalProperties": False,
}


NODE_N = json.loads(json.dumps(NODE).replace("$defs/node", "$defs/n"))


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#/$defs/node", "$defs": {"node": NODE}},
        {"type": "object", "properties": {"root": {"$ref": "#/$defs/n"}}, "required": ["root"], "$defs": {"n": NODE_N}},
        {"type": "object", "properties": {"self": {"anyOf": [{"$ref": "#"}, {"type": "null"}]}}, "required": ["self"]},
        {
            "type": "object",
            "allOf": [
                {"properties": {"a": {"type": "string"}}, "required": ["a"]},
                {"properties": {"b": {"type": "integer"}}, "required": ["b"]},
            ],
        },
        {"type": "object", "additionalProperties": {"type": "integer"}, "minProperties": 2},
        {"type": "object", "required": ["undescribed"]},
        {"type": "array", "items": {"type": "string", "enum": ["a", "b", "c"]}, "minItems": 3, "uniqueItems": True},
        {"type": "array", "items": {"type": "integer"}, "minItems": 4, "uniqueItems": True},
        {"oneOf": [{"type": "null"}, {"type": "object", "properties": {"kind": {"const": "x"}}, "required": ["kind"]}]},
        {"type": "number", "minimum": 0, "maximum": 1},
        {"type": "integer", "minimum": 7, "multipleOf": 5},
        {"type": "integer", "exclusiveMinimum": 1, "exclusiveMaximum": 5, "multipleOf": 2},
        {"properties": {"a": {"items": {"type": "boolean"}}}, "required": ["a"]},
        {},
    ],
)  # fmt: skip
def test_references_recursion_and_odd_corners_are_valid_too(schema):
    assert faults(value_for(schema, Hints(PROMPT)), schema, schema) == []


def test_the_check_itself_notices_what_is_wrong():
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer", "maximum": 3}},
        "required": ["a", "b"],
        "additionalProperties": False,
    }
    assert faults({"a": 4, "c": 1}, schema, schema) == [
        "$.b is missing",
        "$.a = 4 is outside -inf..3",
        "$.c is not allowed",
    ]
    assert faults({"a": True}, schema, schema) == ["$.b is missing", "$.a is True, not ['integer']"]


def test_properties_get_what_their_names_and_formats_ask_for():
    text = {"type": "string"}
    properties = {"name": text, "homeCity": text, "email": text, "since": text | {"format": "date"}, "query": text}
    assert value_for({"type": "object", "properties": properties}, Hints("Tell me about life in Oslo")) == {
        "name": "Ada Lovelace",
        "homeCity": "Oslo",
        "email": "ada@example.com",
        "since": "2026-01-15",
        "query": "life in Oslo",
    }


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {"type": "object", "properties": {"self": {"$ref": "#"}}, "required": ["self"]},
        {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
        {"type": "array", "minItems": 10**9, "items": {"type": "null"}},
        {"type": "array", "minItems": 3, "uniqueItems": True, "items": {"type": "boolean"}},
        {"type": "object", "minProperties": 10**9},
        {"type": "string", "minLength": 10**12},
        {"type": "string", "pattern": "(?:a{99999}){99999}"},
        {"type": "string", "pattern": "^a(?=b)$"},
        {"type": "string", "pattern": "^a{3}$", "minLength": 4},
        {"type": "integer", "minimum": 1, "maximum": 4, "multipleOf": 5},
        {"type": "number", "exclusiveMinimum": 1, "exclusiveMaximum": 1},
    ],
    ids=str,
)
def test_a_schema_without_a_value_of_a_reasonable_size_is_refused(schema):
    check_schema(schema, "schema")
    with pytest.raises(ValueError, match=r"\w"):
        value_for(schema, Hints(PROMPT))


def test_values_do_not_grow_beyond_all_bounds():
    """Each level asks for two of the next: two to the thirtieth in all."""
    levels = {f"n{n}": {"type": "array", "minItems": 2, "items": {"$ref": f"#/$defs/n{n + 1}"}} for n in range(30)}
    with pytest.raises(ValueError, match="too large"):
        value_for({"$ref": "#/$defs/n0", "$defs": levels | {"n30": {"type": "null"}}}, Hints(PROMPT))


@pytest.mark.parametrize(
    "pattern",
    [
        r"^\d{4}-\d{2}$", r"^[a-f0-9]{8}$", r"^(red|green)$", r"^#?[0-9A-F]{6}$", r"^\+\d{1,3} \d+$",
        r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$",
        r"^(?:[A-Z]{2}){2}-x+$", r"^\w+(?:-\w+)*$", r"^v\d+\.\d+\.\d+$", r"^.{3}$", r"^(?P<a>ab)+c?$",
    ],
)  # fmt: skip
def test_a_text_is_found_for_a_pattern(pattern):
    assert re.search(pattern, matching(pattern, 0, 100))


@pytest.mark.parametrize("pattern", ["^[a-z]+$", "^a*$", "^[a-z]{2,40}$", "^x(?:yz)*$"])
def test_a_text_for_a_pattern_has_the_length_required(pattern):
    found = matching(pattern, 20, 60)
    assert re.search(pattern, found) and 20 <= len(found) <= 60


def test_a_strict_schema_is_kept_over_http(providers):
    schema = {
        "type": "object",
        "properties": {"city": {"type": "string"}, "temperature": {"type": "number", "minimum": -50, "maximum": 50}},
        "required": ["city", "temperature"],
        "additionalProperties": False,
    }
    wanted = {"type": "json_schema", "json_schema": {"name": "weather", "strict": True, "schema": schema}}
    stream = providers.stream("openai", "How warm is it in Oslo?", response_format=wanted)
    assert json.loads(stream.text) == {"city": "Oslo", "temperature": 42}


def test_tool_arguments_are_valid_against_their_schema(providers):
    schema = {
        "type": "object",
        "properties": {
            "query": {"type": "string", "minLength": 3},
            "limit": {"type": "integer", "minimum": 1, "maximum": 10},
            "sort": {"type": "string", "enum": ["newest", "oldest"]},
            "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 2},
        },
        "required": ["query", "limit", "sort"],
        "additionalProperties": False,
    }
    tools = [
        {
            "type": "function",
            "function": {"name": "search_papers", "description": "Search papers", "parameters": schema},
        }
    ]
    message = providers.answer("Search 5 papers about owls, oldest first", tools=tools)
    arguments = json.loads(message["tool_calls"][0]["function"]["arguments"])
    assert faults(arguments, schema, schema) == []
    assert "owls" in arguments["query"]
