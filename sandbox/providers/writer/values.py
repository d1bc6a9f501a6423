"""A JSON value that is valid against a JSON schema, filled with words of the prompt.

Schemas have passed `sandbox.providers.prompts.schemas.check_schema`.
"""

import math
import re
from fractions import Fraction
from typing import Any

from sandbox.providers.prompts.schemas import referred
from sandbox.providers.writer.hints import Hints
from sandbox.providers.writer.pattern import matching

__all__ = ["is_place", "value_for"]

_DEEP = 5  # beyond this many levels optional parts are left out and lists stay empty
_DEEPEST = 64  # levels that a value may have
_LARGEST = 10_000  # parts of one value
_LONGEST = 100_000  # characters of one text
_EDGE = 1e-6  # distance of a number from an exclusive bound

_PLACES = {"city", "location", "place", "town", "destination", "country"}
_NAMES = {"name", "person", "author", "customer", "user"}
_FORMATS = {
    "date": "2026-01-15", "date-time": "2026-01-15T09:30:00Z", "time": "09:30:00Z", "duration": "PT1H",
    "email": "ada@example.com", "uri": "https://example.com/", "hostname": "example.com", "ipv4": "192.0.2.1",
    "ipv6": "2001:db8::1", "uuid": "00000000-0000-4000-8000-000000000001",
}  # fmt: skip


def value_for(schema: Any, hints: Hints) -> Any:
    """A value that `schema` allows. Raises ValueError when there is none, or only a very large one."""
    return _Maker(schema, hints).value(schema, "", 0)


def is_place(name: str) -> bool:
    """Whether a property of this name takes a place."""
    return bool(_words(name) & _PLACES)


def _words(name: str) -> set[str]:
    return set(re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()))


class _Maker:
    def __init__(self, root: Any, hints: Hints) -> None:
        self.root = root
        self.hints = hints
        self.parts = 0

    def value(self, schema: Any, name: str, depth: int, index: int = 0) -> Any:
        """A value for one part of the schema; `index` is its place in a list."""
        schema = self.resolved(schema, depth)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][index % len(schema["enum"])]
        match _type_of(schema):
            case "object":
                return self.object(schema, depth)
            case "array":
                return self.array(schema, name, depth)
            case "integer":
                return int(_number(schema, index, step=Fraction(str(schema.get("multipleOf", 1))).numerator))
            case "number":
                return _number(schema, index, step=schema.get("multipleOf", 0))
            case "boolean":
                return True
            case "null":
                return None
        return self.string(schema, name, index)

    def resolved(self, schema: Any, depth: int) -> dict[str, Any]:
        """`schema` with references, unions and intersections resolved to one plain schema."""
        for _ in range(32):
            self.parts += 1
            if depth > _DEEPEST or self.parts > _LARGEST:
                raise ValueError("The schema is too large, or asks for a value without an end.")
            if not isinstance(schema, dict):
                return {}
            if "$ref" in schema:
                rest = {key: value for key, value in schema.items() if key != "$ref"}
                schema = _merged(referred(self.root, schema["$ref"]), rest)
            elif "allOf" in schema:
                merged = {key: value for key, value in schema.items() if key != "allOf"}
                for part in schema["allOf"]:
                    merged = _merged(merged, self.resolved(part, depth + 1))
                schema = merged
            elif options := schema.get("anyOf") or schema.get("oneOf"):
                rest = {key: value for key, value in schema.items() if key not in ("anyOf", "oneOf")}
                schema = _merged(rest, self.chosen(options, depth))
            else:
                return schema
        raise ValueError("The schema refers to itself without an end.")

    def chosen(self, options: list[Any], depth: int) -> Any:
        """The first option that is not null; deep down, the plainest one."""
        if depth >= _DEEP:
            return min(options, key=lambda option: ("$ref" in str(option), "properties" in str(option)))
        return next((option for option in options if option != {"type": "null"}), options[0])

    def object(self, schema: dict[str, Any], depth: int) -> dict[str, Any]:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        extra = schema.get("additionalProperties", {})
        made = {
            key: self.value(part, key, depth + 1)
            for key, part in properties.items()
            if key in required or (depth < _DEEP and part is not False)
        }
        for key in required:
            if key not in made:
                made[key] = self.value(extra, key, depth + 1)
        while len(made) < schema.get("minProperties", 0):
            made[f"key_{len(made) + 1}"] = self.value(extra, "", depth + 1, len(made))
        return made

    def array(self, schema: dict[str, Any], name: str, depth: int) -> list[Any]:
        made = [self.value(part, name, depth + 1) for part in schema.get("prefixItems", ())]
        fewest = int(schema.get("minItems", 0))
        wanted = fewest if depth >= _DEEP else max(fewest, min(schema.get("maxItems", 3), 3))
        if schema.get("items") is False:
            return made
        while len(made) < wanted:
            item = self.value(schema.get("items", {}), name.removesuffix("s"), depth + 1, len(made))
            if schema.get("uniqueItems") and item in made:
                break
            made.append(item)
        if len(made) < fewest:
            raise ValueError("There are not enough different items for this array.")
        return made

    def string(self, schema: dict[str, Any], name: str, index: int) -> str:
        shortest, longest = int(schema.get("minLength", 0)), int(schema.get("maxLength", _LONGEST))
        if shortest > _LONGEST:
            raise ValueError("minLength is too large.")
        if pattern := schema.get("pattern"):
            return matching(pattern, shortest, longest)
        text = self.text(str(schema.get("format")), name) + (f" {index + 1}" if index else "")
        return text.ljust(shortest, ".")[:longest]

    def text(self, form: str, name: str) -> str:
        words = _words(name)
        if form in _FORMATS:
            return _FORMATS[form]
        if words & _PLACES:
            return self.hints.places[0] if self.hints.places else "Paris"
        if words & _NAMES:
            return "Ada Lovelace"
        return _FORMATS["email"] if "email" in words else self.hints.topic


def _type_of(schema: dict[str, Any]) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), "null")
    if kind is not None:
        return str(kind)
    for word, implied in (
        ("properties", "object"),
        ("required", "object"),
        ("additionalProperties", "object"),
        ("items", "array"),
        ("prefixItems", "array"),
        ("minimum", "number"),
        ("maximum", "number"),
    ):
        if word in schema:
            return implied
    return "string"


def _merged(left: Any, right: Any) -> dict[str, Any]:
    left, right = (part if isinstance(part, dict) else {} for part in (left, right))
    merged = {**left, **right}
    if "properties" in left and "properties" in right:
        merged["properties"] = {**left["properties"], **right["properties"]}
    if "required" in left and "required" in right:
        merged["required"] = [*left["required"], *right["required"]]
    return merged


def _number(schema: dict[str, Any], index: int, *, step: float) -> float:
    """A number within the bounds, a multiple of `step` unless that is 0; `index` gives later items others."""
    low = max(schema.get("minimum", -math.inf), schema.get("exclusiveMinimum", -math.inf) + _EDGE)
    high = min(schema.get("maximum", math.inf), schema.get("exclusiveMaximum", math.inf) - _EDGE)
    number = max(low, min(42, high)) + index * (step or 1)
    number = number if number <= high else low if math.isfinite(low) else high
    if step:
        number = round(-(-number // step) * step, 10)
        number = number if number <= high else round(high // step * step, 10)
    if not low <= number <= high or number in (schema.get("exclusiveMinimum"), schema.get("exclusiveMaximum")):
        raise ValueError("No number is within the bounds of the schema.")
    return int(number) if number == int(number) else number
