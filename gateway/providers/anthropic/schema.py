"""JSON Schemas as Anthropic enforces them: a subset, with objects that are closed. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

__all__ = ["to_supported_schema"]

#: Keywords that are enforced. What others ask for is told to the model in words.
_ENFORCED = frozenset(
    {
        "$defs", "$ref", "additionalProperties", "allOf", "anyOf", "const", "definitions", "default", "description",
        "enum", "format", "items", "properties", "required", "title", "type",
    }
)  # fmt: skip
_FORMATS = frozenset({"date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid"})
_NO_MEANING = frozenset({"$schema", "$id", "$comment", "examples", "additionalProperties", "oneOf"})


def to_supported_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema without what would be refused: other keywords become part of the description."""
    kept: dict[str, Any] = {}
    told: dict[str, Any] = {}
    for name, value in schema.items():
        if name in {"properties", "$defs", "definitions"} and isinstance(value, Mapping):
            kept[name] = {key: _narrowed(inner) for key, inner in value.items()}
        elif name in {"anyOf", "allOf", "oneOf"} and isinstance(value, list):
            kept["anyOf" if name == "oneOf" else name] = [_narrowed(inner) for inner in value]
        elif name == "items":
            kept[name] = _narrowed(value)
        elif (name == "minItems" and value in {0, 1}) or (name == "format" and value in _FORMATS):
            kept[name] = value
        elif name == "format" or name not in _ENFORCED | _NO_MEANING:
            told[name] = value
        elif name not in _NO_MEANING:
            kept[name] = value
    types = kept.get("type")
    if "properties" in kept or "object" in (types if isinstance(types, list) else [types]):
        kept["additionalProperties"] = False
    if told:
        words = ", ".join(f"{name}: {msgspec.json.encode(value).decode()}" for name, value in told.items())
        kept["description"] = f"{kept.get('description', '')} ({words})".strip()
    return kept


def _narrowed(schema: Any) -> Any:
    return to_supported_schema(schema) if isinstance(schema, Mapping) else schema
