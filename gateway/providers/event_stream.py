"""Decoding server-sent events from bytes that arrive in arbitrary pieces. Pure."""

import re

__all__ = ["EventStreamDecoder", "EventTooLong"]

_DATA = re.compile(rb"(?:\A|\n)data:(.*)")


class EventTooLong(ValueError):
    """A line is longer than `EventStreamDecoder.MAX_LINE`. No provider sends one, and memory is finite."""


class EventStreamDecoder:
    """Finds the payload of each `data:` line; comments, other fields and blank lines are skipped.

    Lines end in LF or CRLF. Chunks may be cut anywhere, also inside a character.
    """

    MAX_LINE = 32 * 1024 * 1024  # bytes: images arrive as base64

    def __init__(self) -> None:
        self._rest = b""

    def decode(self, chunk: bytes) -> list[bytes]:
        """The payloads that `chunk` completes; EventTooLong for an endless line."""
        data = self._rest + chunk if self._rest else chunk
        lines, _, self._rest = data.rpartition(b"\n")
        if len(self._rest) > self.MAX_LINE:
            raise EventTooLong
        return list(map(bytes.strip, _DATA.findall(lines)))

    def flush(self) -> list[bytes]:
        """The payload of a last line that came without a line end."""
        return self.decode(b"\n")
