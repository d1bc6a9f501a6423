"""Joining the JSON texts of a stream that differ in nothing but their piece of the response. Pure."""

import json
import re

from gateway.events import Delta, Finished

__all__ = ["PayloadJoiner"]

#: What stands between the quotation marks of a JSON string.
_INSIDE_STRING = re.compile(rb'(?:[^"\\]|\\["\\/bfnrt]|\\u[0-9A-Fa-f]{4})*')


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

    def join(self, payloads: list[bytes]) -> list[bytes]:
        """The texts in order, each run of those that can be joined as one."""
        if len(payloads) < 2 or not self._before:
            return payloads
        before, after = self._before, self._after
        start, end = len(before), len(after)
        joined: list[bytes] = []
        run: list[bytes] = []
        for payload in payloads:
            if (
                payload.startswith(before)
                and payload.endswith(after)
                and _INSIDE_STRING.fullmatch(payload, start, len(payload) - end)
            ):
                run.append(payload[start:-end])
                continue
            if run:
                joined.append(before + b"".join(run) + after)
                run = []
            joined.append(payload)
        if run:
            joined.append(before + b"".join(run) + after)
        return joined

    def learn(self, payload: bytes, events: list[Delta | Finished]) -> None:
        """Learn from a text and its events, if it is of another kind than the last."""
        if not self._lessons or (self._before and payload.startswith(self._before) and payload.endswith(self._after)):
            return
        words = events[0].sole_words if len(events) == 1 and isinstance(events[0], Delta) else ""
        if not words:
            return
        self._lessons -= 1
        for encoded in (json.dumps(words), json.dumps(words, ensure_ascii=False)):
            before, found, after = payload.partition(string := encoded.encode("utf-8", "replace"))
            if found and string not in after:
                self._before, self._after = before + b'"', b'"' + after
