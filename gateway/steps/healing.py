"""Response healing: JSON that a model has written with faults is mended, for requests that ask for it.

Models forget brackets, commas and quotes, and put fences and sentences around JSON. The plugin `response-healing` has
it mended, in responses that do not stream and whose format is JSON. What cannot be mended stays as it is.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

import msgspec

from gateway.events import Delta, Finished
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.protocols.json_text import is_json
from gateway.providers.failures import ProviderFailure

__all__ = ["healed", "mended"]

#: Longer texts are left as they are: mending can take seconds for some of them.
MAX_CHARACTERS = 100_000

#: The Python types of the values that a schema of each type describes.
_KINDS: dict[Any, tuple[type, ...]] = {"object": (dict,), "array": (list,), None: (dict, list)}


Events = AsyncGenerator[Delta | Finished, None]


def healed(events: Events, request: ChatRequest) -> Events:
    """The events of a response, with the text of each choice mended if the request asks for it."""
    return _healed(events, _kinds(request.body["response_format"])) if request.heals_json else events


async def _healed(events: Events, kinds: tuple[type, ...]) -> Events:
    """The events, with the text of each choice in one delta before its end; as it is if the response breaks off."""
    texts: dict[int, list[str]] = {}
    async with aclosing(events):
        try:
            async for event in events:
                if isinstance(event, Delta) and event.text:
                    texts.setdefault(event.index, []).append(event.text)
                    rest = msgspec.structs.replace(event, text="")
                    if rest != Delta(index=event.index):
                        yield rest
                    continue
                if isinstance(event, Finished) and event.index in texts:
                    text = await asyncio.to_thread(mended, "".join(texts.pop(event.index)), kinds)
                    yield Delta(text=text, index=event.index)
                yield event
        except ProviderFailure:
            for index, pieces in texts.items():
                yield Delta(text="".join(pieces), index=index)
            raise
    for index, pieces in texts.items():
        yield Delta(text="".join(pieces), index=index)


def _kinds(response_format: dict[str, Any]) -> tuple[type, ...]:
    """The types that the root of the JSON may have; none when it is neither an object nor an array."""
    if response_format.get("type") == "json_object":
        return (dict,)
    schema = (response_format.get("json_schema") or {}).get("schema")
    named = schema.get("type") if isinstance(schema, dict) else None
    return _KINDS.get(named, ()) if isinstance(named, str | None) else (dict, list)


def mended(text: str, kinds: tuple[type, ...]) -> str:
    """The JSON in a text, whose root is of one of these types; the text itself when it is JSON or has none.

    Takes up to a second: call it in a thread.
    """
    if not kinds or len(text) > MAX_CHARACTERS or is_json(text):
        return text
    from json_repair import repair_json  # here, because few requests need it

    try:
        value: Any = repair_json(text, return_objects=True)
        if isinstance(value, list) and list not in kinds:  # several values: examples, and the one that was asked for
            objects = [one for one in value if isinstance(one, dict)]
            value = max(objects, key=lambda one: len(str(one)), default=None)
        if not value or not isinstance(value, kinds):
            return text
        written = json.dumps(value, ensure_ascii=False, allow_nan=False)
        written.encode()
    except (RecursionError, ValueError):  # too deep, not a number of JSON's, not a character
        return text
    return written
