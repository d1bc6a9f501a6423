"""The shapes of OpenRouter's answers, and a check that an answer of ours has its shape.

`answers.json` holds structure alone: names, types, which fields are required, and the values of enumerations, for the
operations that this project answers. Fields beyond a shape are allowed, as the document allows them. Shapes are written
like this:

- "string|null": a value of one of these JSON types; "any" is any value.
- "@Name": the shape of that name in "shapes".
- {"field": shape, "field?": shape}: an object; "?" marks a field that may be absent. With "$null": true, or null.
- {"$list": shape}, {"$map": shape}: a list, and an object with any names. Also with "$null".
- {"$enum": [values]} and {"$any": [shapes]}: one of these. Members of a union are told apart by their enumerations.
"""

import json
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["check", "operations", "problems"]

_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float, Decimal),  # amounts, before they are encoded
    "boolean": (bool,),
    "null": (type(None),),
    "array": (list,),
    "object": (dict,),
}


def check(operation: str, status: int | str, answer: Any) -> None:
    """Assert that a decoded answer has the shape of `operation`, for example "GET /models/{author}/{slug}/endpoints".

    `status` is the HTTP status, or "stream" for one event of a stream. The statuses of errors share one shape.
    """
    found = problems(operation, status, answer)
    assert not found, f"{operation} {status}:\n" + "\n".join(found)


def problems(operation: str, status: int | str, answer: Any) -> list[str]:
    """Return the path of each field that is missing, of a wrong type, or outside its enumeration, with the reason."""
    shapes = operations()[operation]
    is_error = status != "stream" and int(status) >= 400
    return list(_problems(shapes["error" if is_error else str(status)], answer, "$"))


def operations() -> dict[str, Any]:
    """Return the shapes of each operation's answers: by status, "stream" and "error"."""
    return _facts()["operations"]


@cache
def _facts() -> Any:
    return json.loads(Path(__file__).with_name("answers.json").read_text())


def _problems(shape: Any, value: Any, path: str) -> Iterator[str]:
    if isinstance(shape, str) and shape.startswith("@"):
        yield from _problems(_facts()["shapes"][shape[1:]], value, path)
    elif isinstance(shape, str):
        if shape != "any" and not any(_is(value, kind) for kind in shape.split("|")):
            yield f"{path}: {_shown(value)} is not {shape}"
    elif "$enum" in shape:
        if not any(value == each and type(value) is type(each) for each in shape["$enum"]):
            yield f"{path}: {_shown(value)} is none of {shape['$enum']}"
    elif "$any" in shape:
        yield from _closest([list(_problems(each, value, path)) for each in shape["$any"]], path)
    elif value is None and "$null" in shape:
        return
    elif "$list" in shape:
        yield from _items(shape["$list"], value, list, path)
    elif "$map" in shape:
        yield from _items(shape["$map"], value, dict, path)
    else:
        yield from _fields(shape, value, path)


def _fields(shape: dict[str, Any], value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: {_shown(value)} is not an object"
        return
    for name, field in shape.items():
        key = name.removesuffix("?")
        if key in value:
            if key != "$null":
                yield from _problems(field, value[key], f"{path}.{key}")
        elif name == key != "$null":
            yield f"{path}.{key}: missing"


def _items(shape: Any, value: Any, kind: type, path: str) -> Iterator[str]:
    if not isinstance(value, kind):
        yield f"{path}: {_shown(value)} is not {'a list' if kind is list else 'an object'}"
        return
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _problems(shape, each, f"{path}[{key}]")


def _closest(found: list[list[str]], path: str) -> list[str]:
    """Return the problems of the member of a union that fits best: one of the same `type`, then the fewest problems."""

    def distance(problems: list[str]) -> tuple[bool, int]:
        return any(text.startswith((f"{path}:", f"{path}.type:")) for text in problems), len(problems)

    return min(found, key=distance)


def _is(value: Any, kind: str) -> bool:
    return isinstance(value, _TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def _shown(value: Any) -> str:
    text = json.dumps(value, default=str)
    return text if len(text) <= 60 else text[:57] + "..."
