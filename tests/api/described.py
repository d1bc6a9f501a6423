"""A check that an answer is what the OpenAPI document describes: a reader of the part of JSON Schema that it uses."""

from collections.abc import Iterator
from typing import Any

from api.router import api

__all__ = ["check_described", "document", "problems"]

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
    "array": (list,),
    "object": (dict,),
}


def document() -> dict[str, Any]:
    """The OpenAPI document of the site."""
    return api.get_openapi_schema(path_prefix="/api/v1/")


def check_described(operation: str, status: int | str, answer: Any) -> None:
    """Assert that a decoded answer has the schema of `operation`, for example "GET /models", and nothing beyond it.

    `status` is the HTTP status, or "stream" for one event of a stream.
    """
    method, path = operation.split()
    responses = document()["paths"][f"/api/v1{path}"][method.lower()]["responses"]
    assert str(200 if status == "stream" else status) in responses, f"{operation}: status {status} is not described"
    media = "text/event-stream" if status == "stream" else "application/json"
    schema = responses[str(200 if status == "stream" else status)]["content"][media]["schema"]
    found = list(problems(schema, answer))
    assert not found, f"{operation} {status}:\n" + "\n".join(found)


def problems(schema: dict[str, Any], value: Any, path: str = "$") -> Iterator[str]:
    """The path of each value that the schema does not describe, with the reason."""
    if "$ref" in schema:
        yield from problems(document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]], value, path)
        return
    for part in schema.get("allOf", ()):
        yield from problems(part, value, path)
    if members := schema.get("anyOf") or schema.get("oneOf"):
        found = [list(problems(member, value, path)) for member in members]
        yield from min(found, key=len)
    kinds = schema.get("type", [])
    if kinds and not any(_is(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        yield f"{path}: {value!r:.60} is not {kinds}"
    elif "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r:.60} is none of {schema['enum']}"
    elif "const" in schema and value != schema["const"]:
        yield f"{path}: {value!r:.60} is not {schema['const']!r}"
    elif isinstance(value, dict) and "properties" in schema:
        for name in schema.get("required", ()):
            if name not in value:
                yield f"{path}.{name}: missing"
        for name, field in value.items():
            if name in schema["properties"]:
                yield from problems(schema["properties"][name], field, f"{path}.{name}")
            else:
                yield f"{path}.{name}: not described"
    elif isinstance(value, list) and "items" in schema:
        for index, each in enumerate(value):
            yield from problems(schema["items"], each, f"{path}[{index}]")


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))
