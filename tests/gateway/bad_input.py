"""Bodies that no careful client sends: valid ones, damaged at random places. For tests with hypothesis.

`FUZZ_EXAMPLES` is how many examples each test tries; by default a few.
"""

import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from hypothesis import strategies as st

__all__ = ["CONTENT_TYPES", "EXAMPLES", "damaged_bytes", "damaged_json", "encoded"]

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "200"))

CONTENT_TYPES = st.sampled_from(
    ["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "image/png",
     "application/json; charset=utf-16", ""]
)  # fmt: skip

Path = tuple[str | int, ...]


def _deep(depth: int, innermost: Any = None) -> Any:
    value: Any = innermost
    for number in range(depth):
        value = [value] if number % 2 else {"a": value}
    return value


#: Values of a wrong type, of a wrong size, or at the end of a range.
ODD: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(
        [None, True, False, 0, 1, -1, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 2**64, 10**40, 0.5, -0.0, 1e-320, 1e308]
    ),
    st.sampled_from([float("nan"), float("inf"), float("-inf")]),
    st.sampled_from(["", " ", "\0", "\ud800", "\udc00\ud800", "\u202e", "null", "0", "1e999", "x" * 70_000, "é" * 300]),
    st.sampled_from([[], {}, [[]], [None], {"": None}, {"\ud83d": 1}, [{}], {"type": "text"}, {"type": None}]),
    st.integers(1, 60).map(_deep),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.integers() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=5), st.none() | st.integers() | st.text(max_size=3), max_size=3),
)


def _places(value: Any, path: Path = ()) -> Iterator[Path]:
    """The path of each value inside this one, and of itself."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inner:
        yield from _places(each, (*path, key))


def _at(value: Any, path: Path, change: Callable[[Any], Any]) -> Any:
    """A copy of the value, with `change` applied to what is at the path."""
    if not path:
        return change(value)
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = _at(value[path[0]], path[1:], change)
    return copy


#: What may happen to a value, given an odd one.
_DAMAGES: list[Callable[[Any, Any], Any]] = [
    lambda found, odd: odd,
    lambda found, odd: odd,
    lambda found, odd: [found],
    lambda found, odd: {"type": found},
    lambda found, odd: json.dumps(found),
    lambda found, odd: found * 2 if isinstance(found, list) else found,
    lambda found, odd: [*found, odd] if isinstance(found, list) else odd,
    lambda found, odd: {**found, "type": odd} if isinstance(found, dict) else odd,
    lambda found, odd: dict([*found.items()][1:]) if isinstance(found, dict) else found,
]


@st.composite
def damaged_json(draw: st.DrawFn, valid: st.SearchStrategy[Any], most: int) -> Any:
    """A valid value with up to `most` damages: a value replaced, wrapped, removed, repeated, or a field added."""
    value = draw(valid)
    for _ in range(draw(st.integers(0, most))):
        path = draw(st.sampled_from(list(_places(value))))
        odd, damage = draw(ODD), draw(st.sampled_from(_DAMAGES))
        value = _at(value, path, partial(damage, odd=odd))
    return value


def encoded(value: Any) -> bytes:
    """The value as JSON, with what JSON does not have: NaN, infinities, lone surrogates (escaped)."""
    return json.dumps(value).encode()


@st.composite
def damaged_bytes(draw: st.DrawFn, valid: st.SearchStrategy[Any]) -> bytes:
    """The JSON of a valid value, damaged as text: cut, repeated, in another encoding, with bytes that are no text."""
    text = encoded(draw(valid))
    place = draw(st.integers(0, len(text)))
    before, after = text[:place], text[place:]
    inserted = draw(
        st.sampled_from([b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b"\0", b"\\", b'"', b"}", b"]", b",", b"//", b"1e999",
                         b"NaN", b"\\ud83d", b"\\u12", b"[" * 2000, b'{"a":' * 2000, b"9" * 5000])
        | st.binary(max_size=6)
    )  # fmt: skip
    return draw(
        st.sampled_from(
            [
                before,
                before + inserted + after,
                before + inserted,
                before + after[1:],
                text * 2,
                b"\xef\xbb\xbf" + text,
                text.decode().encode("utf-16"),
                b" \n" + text + b"\n ",
                text[:1] + text[1:-1] + b"," + text[1:],  # every field twice
                b"[" + text + b"]",
                inserted,
                b"",
            ]
        )
    )
