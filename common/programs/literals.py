"""Values as literals of JSON, Python and JavaScript. Pure.

Characters that cannot be seen are escaped: what a reader sees is what the program sends.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["IDENTIFIER", "JAVASCRIPT", "JSON", "PYTHON", "Syntax", "literal"]

#: Columns in which a list or an object stays on one line.
WIDTH = 80
IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Syntax:
    """How a language writes values: `constants` are its words for true, false and null."""

    constants: tuple[str, str, str]
    string: Callable[[str], str]
    key: Callable[[str], str]
    indent: str
    trailing_comma: bool
    padded: bool = False  # a space inside of braces


def _string(text: str, hidden: Callable[[str], str]) -> str:
    quoted = json.dumps(text, ensure_ascii=False)
    if quoted.isprintable():
        return quoted
    return "".join(each if each.isprintable() else hidden(each) for each in quoted)


def _utf16(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at] << 8 | units[at + 1]:04x}" for at in range(0, len(units), 2))


def _code_point(character: str) -> str:
    number = ord(character)
    return f"\\U{number:08x}" if number > 0xFFFF else f"\\u{number:04x}"


def _json_string(text: str) -> str:
    return _string(text, _utf16)


def _python_string(text: str) -> str:
    return _string(text, _code_point)


def _javascript_key(key: str) -> str:
    if key == "__proto__":  # as a plain key it would set the object's prototype
        return '["__proto__"]'
    return key if IDENTIFIER.fullmatch(key) else _json_string(key)


JSON = Syntax(("true", "false", "null"), _json_string, _json_string, "  ", trailing_comma=False)
PYTHON = Syntax(("True", "False", "None"), _python_string, _python_string, "    ", trailing_comma=True)
JAVASCRIPT = Syntax(("true", "false", "null"), _json_string, _javascript_key, "  ", trailing_comma=True, padded=True)


def literal(value: Any, syntax: Syntax, depth: int = 0, before: int = 0) -> str:
    """The literal of a value that JSON can hold; `depth` is its indentation, `before` the columns left of it.

    Raises ValueError for numbers that are not finite.
    """
    if isinstance(value, str):
        return syntax.string(value)
    if value is None or isinstance(value, bool):
        return syntax.constants[2 if value is None else not value]
    if isinstance(value, int | float):
        if not math.isfinite(value):
            raise ValueError(f"{value} is not a JSON number")
        return repr(value)
    opening, closing = "{}" if isinstance(value, Mapping) else "[]"
    inside = syntax.indent * (depth + 1)
    if isinstance(value, Mapping):
        keys = [f"{syntax.key(name)}: " for name in value]
        items = list(value.values())
    else:
        items, keys = list(value), [""] * len(value)
    written = [
        key + literal(item, syntax, depth + 1, len(inside) + len(key)) for key, item in zip(keys, items, strict=True)
    ]
    short = ", ".join(written)
    if not written or (len(short) + before + 2 <= WIDTH and "\n" not in short):
        pad = " " if syntax.padded and written and opening == "{" else ""
        return f"{opening}{pad}{short}{pad}{closing}"
    end = "," if syntax.trailing_comma else ""
    lines = f",\n{inside}".join(written)
    return f"{opening}\n{inside}{lines}{end}\n{syntax.indent * depth}{closing}"
