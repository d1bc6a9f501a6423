"""Reading JSON from providers tolerantly: what fits the protocol is read, what does not is left out. Pure.

The fast path is msgspec's decoder. Everything else here runs only for a text that it refuses: invalid UTF-8, half of a
character (a lone surrogate), a field of another type than the protocol has.
"""

import json
from collections.abc import Mapping
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

import msgspec

from gateway.events import Delta, Finished

__all__ = ["SurrogateJoiner", "as_json", "fitted"]

S = TypeVar("S", bound=msgspec.Struct)

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_UNFIT: Any = object()


def fitted(payload: bytes, struct: type[S]) -> S:
    """The object in a JSON text, read into `struct` without the fields that do not fit it.

    A number where a string belongs becomes a string, a single object where a list belongs a list. Strings may contain
    lone surrogates. Raises msgspec.DecodeError if the text is not JSON, or its value is not an object.
    """
    try:
        value = json.loads(payload.decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise msgspec.DecodeError("not JSON") from error
    found = _fit(value, struct)
    if found is _UNFIT:
        raise msgspec.DecodeError("not an object")
    assert isinstance(found, struct)
    return found


def as_json(value: Any) -> str:
    """The JSON text of a value that was read, with U+FFFD for each lone surrogate."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        return msgspec.json.encode(_clean(value)).decode()


def _fit(value: Any, wanted: Any) -> Any:
    """The value as this type, or _UNFIT."""
    if wanted is Any:
        return value
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        return _fit_struct(value, wanted)
    origin = get_origin(wanted)
    if origin in {Union, UnionType}:
        return next((fit for member in get_args(wanted) if (fit := _fit(value, member)) is not _UNFIT), _UNFIT)
    if origin is list:
        (inner,) = get_args(wanted)
        items = [value] if isinstance(value, Mapping) else value
        if not isinstance(items, list):
            return _UNFIT
        return [fit for item in items if (fit := _fit(item, inner)) is not _UNFIT]
    if wanted is str and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    try:
        return msgspec.convert(value, wanted, strict=wanted is str)
    except msgspec.ValidationError:
        return _UNFIT


def _fit_struct(value: Any, wanted: type[msgspec.Struct]) -> Any:
    if not isinstance(value, Mapping):
        return _UNFIT
    fields = {}
    for field in msgspec.structs.fields(wanted):
        if field.encode_name in value and (fit := _fit(value[field.encode_name], field.type)) is not _UNFIT:
            fields[field.name] = fit
    return wanted(**fields)


class SurrogateJoiner:
    """Joins the two halves of a character that a provider cut into two events.

    A half without its other half becomes U+FFFD.
    """

    def __init__(self) -> None:
        self._halves: dict[tuple[Any, ...], str] = {}  # where the text goes on: the first half of its next character

    def join(self, events: list[Delta | Finished]) -> list[Delta | Finished]:
        """The events with whole characters. A half at the end of a text waits for the next event."""
        joined: list[Delta | Finished] = []
        for event in events:
            if isinstance(event, Delta):
                joined.append(self._whole_delta(event))
            else:
                joined += self._rest(event.index)
                joined.append(event)
        return joined

    def _whole_delta(self, delta: Delta) -> Delta:
        whole = {name: _clean(getattr(delta, name)) for name in Delta.__struct_fields__ if name != "index"}
        for name in ("text", "reasoning"):
            if text := getattr(delta, name):
                whole[name] = self._whole((delta.index, name), text)
        for number, call in enumerate(delta.tool_calls or ()):
            function = call.get("function") or {}
            if arguments := function.get("arguments"):
                place = (delta.index, "tool_calls", call.get("index"))
                whole["tool_calls"][number]["function"]["arguments"] = self._whole(place, arguments)
        return Delta(**whole, index=delta.index)

    def _whole(self, place: tuple[Any, ...], text: str) -> str:
        text = self._halves.pop(place, "") + text
        if "\ud800" <= text[-1] <= "\udbff":
            self._halves[place] = text[-1]
            text = text[:-1]
        return _characters(text)

    def _rest(self, index: int) -> list[Delta | Finished]:
        """The halves that still wait when the choice ends."""
        waiting = [place for place in self._halves if place[0] == index]
        for place in waiting:
            del self._halves[place]
        names = {place[1] for place in waiting} & {"text", "reasoning"}
        text, reasoning = (REPLACEMENT if name in names else "" for name in ("text", "reasoning"))
        return [Delta(text=text, reasoning=reasoning, index=index)] if names else []


def _clean(value: Any) -> Any:
    """The value with U+FFFD for each lone half of a character, however deep."""
    if isinstance(value, str):
        return _characters(value)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    return value


def _characters(text: str) -> str:
    """The text with pairs of surrogates joined, and U+FFFD for single ones."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
