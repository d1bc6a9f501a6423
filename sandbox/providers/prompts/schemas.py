"""Checks JSON schemas at the entrance, as providers do, so that the writer can rely on them."""

import re
from collections.abc import Callable
from typing import Any

__all__ = ["check_schema", "referred"]

_TYPES = {"object", "array", "string", "integer", "number", "boolean", "null"}
_DEEPEST = 64  # levels
_NAMED = ("properties", "$defs", "definitions")
_LISTED = ("anyOf", "oneOf", "allOf", "prefixItems")
_SINGLE = ("items", "additionalProperties")
_ORDERED = (
    ("minimum", "maximum"), ("exclusiveMinimum", "exclusiveMaximum"), ("minLength", "maxLength"),
    ("minItems", "maxItems"), ("minProperties", "maxProperties"),
)  # fmt: skip


def check_schema(schema: Any, where: str, *, is_object: bool = False) -> None:
    """Raises ValueError, naming the place within `where`, for a schema that is malformed.

    `is_object`: the schema is that of a tool's parameters.
    """
    if is_object and (not isinstance(schema, dict) or schema.get("type", "object") != "object"):
        raise ValueError(f"{where}: must be a JSON Schema of type 'object'.")
    _check(schema, schema, where, 0)


def referred(root: Any, reference: str) -> Any:
    """The schema that `#/a/b` names within `root`. Raises ValueError when there is none."""
    found = root
    for step in reference.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if not isinstance(found, dict) or name not in found:
            raise ValueError(f"$ref {reference!r} cannot be resolved.")
        found = found[name]
    if not reference.startswith("#") or not isinstance(found, dict | bool):
        raise ValueError(f"$ref {reference!r} cannot be resolved.")
    return found


def _check(schema: Any, root: Any, where: str, depth: int) -> None:
    if isinstance(schema, bool):
        return
    if not isinstance(schema, dict):
        raise ValueError(f"{where}: a schema is an object, not {schema!r:.50}.")
    if depth > _DEEPEST:
        raise ValueError(f"{where}: more than {_DEEPEST} levels of nesting.")
    for keyword, (is_right, words) in _KEYWORDS.items():
        if keyword in schema and not is_right(schema[keyword]):
            raise ValueError(f"{where}.{keyword}: {schema[keyword]!r:.50} is not {words}.")
    for least, most in _ORDERED:
        if least in schema and most in schema and schema[least] > schema[most]:
            raise ValueError(f"{where}: {least} is larger than {most}.")
    if "$ref" in schema:
        referred(root, schema["$ref"])
    for keyword in _NAMED:
        for name, part in schema.get(keyword, {}).items():
            _check(part, root, f"{where}.{keyword}.{name}"[:200], depth + 1)
    for keyword in _LISTED:
        for number, part in enumerate(schema.get(keyword, ())):
            _check(part, root, f"{where}.{keyword}.{number}"[:200], depth + 1)
    for keyword in _SINGLE:
        _check(schema.get(keyword, True), root, f"{where}.{keyword}"[:200], depth + 1)


def _is_type(value: Any) -> bool:
    kinds = value if isinstance(value, list) else [value]
    return bool(kinds) and all(isinstance(kind, str) and kind in _TYPES for kind in kinds)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return _is_number(value) and value >= 0 and value == int(value)


def _is_pattern(value: Any) -> bool:
    try:
        re.compile(value)
    except (re.error, TypeError, OverflowError):
        return False
    return isinstance(value, str)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_filled_list(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


_KEYWORDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "type": (_is_type, "a type"),
    "required": (lambda value: isinstance(value, list) and all(map(_is_text, value)), "a list of names"),
    "enum": (_is_filled_list, "a list of values"),
    "pattern": (_is_pattern, "a regular expression"),
    "multipleOf": (lambda value: _is_number(value) and value > 0, "a number above 0"),
    "uniqueItems": (lambda value: isinstance(value, bool), "true or false"),
    **dict.fromkeys(("$ref", "format", "description"), (_is_text, "a text")),
    **dict.fromkeys(_NAMED, (lambda value: isinstance(value, dict), "an object")),
    **dict.fromkeys(_LISTED, (_is_filled_list, "a list of schemas")),
    **dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), (_is_number, "a number")),
    **dict.fromkeys(
        ("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), (_is_count, "a count")
    ),
}
