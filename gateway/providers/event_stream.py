"""Reading server-sent events from bytes that arrive in arbitrary pieces. Pure: tested with strings."""

from collections.abc import Iterator

__all__ = ["EventStreamDecoder", "EventTooLong"]


class EventTooLong(ValueError):
    """A line without an end: no provider sends one, and memory is finite."""


class EventStreamDecoder:
    """Yields the payload of each `data:` line; comments, other fields and blank lines are skipped.

    Lines may end in LF or CRLF and may be cut anywhere, also inside a character.
    """

    MAX_LINE = 32 * 1024 * 1024  # bytes: an image may come as base64

    def __init__(self) -> None:
        self._rest = b""

    def decode(self, chunk: bytes) -> Iterator[bytes]:
        """The payloads that `chunk` completes."""
        data = self._rest + chunk if self._rest else chunk
        *lines, self._rest = data.split(b"\n")
        if len(self._rest) > self.MAX_LINE:
            raise EventTooLong
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].strip()

    def flush(self) -> Iterator[bytes]:
        """The payload of a last line that came without an end."""
        rest, self._rest = self._rest, b""
        if rest.startswith(b"data:"):
            yield rest[5:].strip()
