"""Decoding server-sent events from bytes that arrive in arbitrary pieces. Pure."""

__all__ = ["EventStreamDecoder", "EventTooLong"]


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
        *lines, self._rest = data.split(b"\n")
        if len(self._rest) > self.MAX_LINE:
            raise EventTooLong
        return [line[5:].strip() for line in lines if line.startswith(b"data:")]

    def flush(self) -> list[bytes]:
        """The payload of a last line that came without a line end."""
        return self.decode(b"\n")
