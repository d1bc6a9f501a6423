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
        self._lessons = self.LESSONS

    def join(self, payloads: list[bytes]) -> Iterator[bytes]:
        """The texts in order, each run of those that can be joined as one.

        What is learned from one text counts for the next: ask for it when the one before is parsed.
        """
        if (words := self._words_in(payloads)) is not None:
            yield self._before + words + self._after
            return
        run: list[bytes] = []
        for payload in payloads:
            if (words := self._words_in([payload])) is not None:
                run.append(words)
                continue
            if run:
                yield self._before + b"".join(run) + self._after
                run = []
            yield payload
        if run:
            yield self._before + b"".join(run) + self._after

    def _words_in(self, payloads: list[bytes]) -> bytes | None:
        """The words of texts that all are like the one that it learned from, as they are in its JSON string."""
        before, after = self._before, self._after
        if not before or not payloads:
            return None
        words = [payload.removeprefix(before).removesuffix(after) for payload in payloads]
        around = len(payloads) * (len(before) + len(after))
        if sum(map(len, words)) + around != sum(map(len, payloads)) or not _INSIDE_STRINGS.fullmatch(b"\n".join(words)):
            return None
        return b"".join(words)

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

    def _is_alike(self, payload: bytes) -> bool:
        return bool(self._before) and payload.startswith(self._before) and payload.endswith(self._after)
