"""JSON Schemas as Anthropic enforces them: a subset of the keywords, with closed objects. Pure."""

from collections.abc import Mapping
from typing import Any

import msgspec

__all__ = ["to_supported_schema"]

#: Keywords that the provider enforces. It refuses others, so they are put into the description for the model to read.
_ENFORCED = frozenset(
    {
        "$defs", "$ref", "additionalProperties", "allOf", "anyOf", "const", "definitions", "default", "description",
        "enum", "format", "items", "properties", "required", "title", "type",
    }
)  # fmt: skip
_FORMATS = frozenset({"date", "date-time", "duration", "email", "hostname", "ipv4", "ipv6", "time", "uri", "uuid"})
#: Keywords that are dropped: they constrain nothing, or are replaced below.
_DROPPED = frozenset({"$schema", "$id", "$comment", "examples", "additionalProperties", "oneOf"})


def to_supported_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema with the keywords that the provider accepts. Others become part of the description."""
    supported: dict[str, Any] = {}
    described: dict[str, Any] = {}
    for name, value in schema.items():
        if name in {"properties", "$defs", "definitions"} and isinstance(value, Mapping):
            supported[name] = {key: _nested(inner) for key, inner in value.items()}
        elif name in {"anyOf", "allOf", "oneOf"} and isinstance(value, list):
            supported["anyOf" if name == "oneOf" else name] = [_nested(inner) for inner in value]
        elif name == "items":
            supported[name] = _nested(value)
        elif (name == "minItems" and value in (0, 1)) or (name == "format" and str(value) in _FORMATS):
            supported[name] = value
        elif name == "format" or name not in _ENFORCED | _DROPPED:
            described[name] = value
        elif name not in _DROPPED:
            supported[name] = value
    types = supported.get("type")
    if "properties" in supported or "object" in (types if isinstance(types, list) else [types]):
        supported["additionalProperties"] = False
    if described:
        words = ", ".join(f"{name}: {msgspec.json.encode(value).decode()}" for name, value in described.items())
        supported["description"] = f"{supported.get('description', '')} ({words})".strip()
    return supported


def _nested(schema: Any) -> Any:
    return to_supported_schema(schema) if isinstance(schema, Mapping) else schema
