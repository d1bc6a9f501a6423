"""Joining the JSON texts of a stream that differ in nothing but their piece of the response. Pure."""

import json
import re
from collections.abc import Iterator

from gateway.events import Delta, Finished

__all__ = ["PayloadJoiner"]

_INSIDE_STRING = rb'[^"\\\n]*+(?:\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4})[^"\\\n]*+)*+'
#: What stands between the quotation marks of JSON strings, one in each line.
_INSIDE_STRINGS = re.compile(_INSIDE_STRING + rb"(?:\n" + _INSIDE_STRING + rb")*+")


class PayloadJoiner:
    """Turns texts that arrived together and are the same around their words into one, which is parsed once.

    Nearly all texts of a stream are alike in this, in every protocol. What is around the words is learned from a text
    whose only event is a delta of text or of reasoning alone, so that nothing else can get lost.
    """

    #: How often it learns at most: some providers send a text of its own kind each time.
    LESSONS = 8

    def __init__(self) -> None:
        self._before = self._after = b""
        self._around = 0  # bytes of both; 0: nothing is learned yet
        self._lessons = self.LESSONS

    def join(self, payloads: list[bytes]) -> Iterator[bytes]:
        """The texts in order, each run of those that can be joined as one.

        What is learned from one text counts for the next: ask for it when the one before is parsed.
        """
        alike: list[bytes] = []
        for payload in payloads:
            if self._is_alike(payload):
                alike.append(payload)
                continue
            yield from self._joined(alike)
            alike = []
            yield payload
        yield from self._joined(alike)

    def _is_alike(self, payload: bytes) -> bool:
        """Whether the text begins and ends like the one that it learned from."""
        return 0 < self._around <= len(payload) and payload.startswith(self._before) and payload.endswith(self._after)

    def _joined(self, alike: list[bytes]) -> list[bytes]:
        """The texts as one; as they are if anything but words is different."""
        if len(alike) < 2:
            return alike
        start, end = len(self._before), -len(self._after)
        words = [payload[start:end] for payload in alike]
        if not _INSIDE_STRINGS.fullmatch(b"\n".join(words)):
            return alike
        return [b"".join((self._before, *words, self._after))]

    def learn(self, payload: bytes, events: list[Delta | Finished]) -> None:
        """Learn from a text and its events, if it is of another kind than the last."""
        if not self._lessons or self._is_alike(payload):
            return
        words = events[0].sole_words if len(events) == 1 and isinstance(events[0], Delta) else ""
        if not words:
            return
        self._lessons -= 1
        for encoded in (json.dumps(words), json.dumps(words, ensure_ascii=False)):
            before, found, after = payload.partition(string := encoded.encode("utf-8", "replace"))
            if found and string not in after:
                self._before, self._after = before + b'"', b'"' + after
                self._around = len(self._before) + len(self._after)
