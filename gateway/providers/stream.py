"""A provider's answer while it arrives, whatever protocol it speaks."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator

from gateway.events import Delta, Finished, Usage

from . import http
from .event_stream import EventStreamDecoder, EventTooLong
from .failures import ProviderFailure

__all__ = ["ProviderStream", "checked_usage"]

#: No answer has more tokens than this; a provider that says so is mistaken.
MOST_TOKENS = 100_000_000


class ProviderStream(ABC):
    """A provider's answer. `pieces()` yields it; `usage`, `upstream_id` and `system_fingerprint` fill meanwhile.

    Iteration raises ProviderFailure when the answer breaks off or turns out to be an error.
    """

    def __init__(self, response: http.UpstreamResponse) -> None:
        self._response = response
        self.usage: Usage | None = None
        self.upstream_id = ""
        self.system_fingerprint: str | None = None
        self.finished = False  # nothing more will come
        self.complete = False  # the provider said that this was all

    async def batches(self) -> AsyncGenerator[list[Delta | Finished], None]:
        """The answer, in order: lists of what arrived together. Ends after its finish reason, and what breaks then
        does not matter; a body that ends without one has been cut."""
        finished: set[int] = set()  # choices
        try:
            async for piece in self._batches():
                if piece := _without_repeats(piece, finished):
                    yield piece
        except ProviderFailure:
            if not finished:
                raise
        self.finished = True
        # Without a finish reason: an empty answer when the provider got to its end, with usage; else a cut one.
        if not finished and not (self.complete and self.usage is not None):
            raise ProviderFailure(502, "The provider broke off its answer.")

    async def _batches(self) -> AsyncGenerator[list[Delta | Finished], None]:
        """What the provider sends, up to its word for the end."""
        async for payloads in self._payloads():
            piece: list[Delta | Finished] = []
            try:
                for payload in payloads:
                    if payload == b"[DONE]":
                        self.complete = True
                    elif payload:
                        piece += self.parse(payload)
                    if self.complete:
                        break
            except ProviderFailure:
                if piece:
                    yield piece  # what came before the fault was said
                raise
            yield piece
            if self.complete:
                break

    @abstractmethod
    def parse(self, payload: bytes) -> list[Delta | Finished]:
        """What one JSON text of this protocol says; fills `usage` and `upstream_id` on the way, and sets `complete`
        where the protocol has a word for the end.

        Raises ProviderFailure for an error that the provider reports, and for what is not its protocol.
        """

    async def close(self) -> None:
        """Stop listening; a provider that supports it stops generating."""
        self.finished = True
        await self._response.close()

    async def _payloads(self) -> AsyncGenerator[list[bytes], None]:
        """The JSON texts of the body: lists of what arrived together.

        The body's first bytes say whether it is a stream of events: its Content-Type is sometimes wrong.
        """
        decoder = EventStreamDecoder()
        start = bytearray()
        is_stream: bool | None = None
        try:
            async for chunk in self._response.chunks():
                if is_stream is None:
                    start += chunk
                    is_stream = _looks_like_events(start)
                    if is_stream:
                        yield list(decoder.decode(bytes(start)))
                elif is_stream:
                    yield list(decoder.decode(chunk))
                else:
                    start += chunk
        except EventTooLong as error:
            raise ProviderFailure(502, "The provider sent an endless line.") from error
        # A body that is not a stream is one JSON text: whoever reads all of it is at the end.
        yield list(decoder.flush()) if is_stream else [bytes(start), b"[DONE]"]


def checked_usage(
    prompt: int,
    completion: int,
    *,
    reasoning: int = 0,
    cached: int = 0,
    cache_write: int = 0,
    cache_write_1h: int = 0,
) -> Usage | None:
    """Usage of these token counts; None when they cannot be true: negative, absurd, or parts above their whole."""
    counts = (prompt, completion, reasoning, cached, cache_write, cache_write_1h)
    parts = cached + cache_write > prompt or cache_write_1h > cache_write or reasoning > completion
    if min(counts) < 0 or max(counts) > MOST_TOKENS or parts:
        return None
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        reasoning_tokens=reasoning,
        cached_tokens=cached,
        cache_write_tokens=cache_write,
        cache_write_1h_tokens=cache_write_1h,
    )


def _without_repeats(piece: list[Delta | Finished], finished: set[int]) -> list[Delta | Finished]:
    """The piece without second finishes of a choice, which clients take for the end; notes the first in `finished`."""
    kept = []
    for event in piece:
        if isinstance(event, Finished):
            if event.index in finished:
                continue
            finished.add(event.index)
        kept.append(event)
    return kept


def _looks_like_events(start: bytes | bytearray) -> bool | None:
    """Whether a body that begins like this is a stream of events; None when it is too early to say."""
    text = bytes(start[:64]).lstrip(b"\xef\xbb\xbf \r\n\t")
    if len(text) < 6 and not text.startswith(b":"):
        return None if not text or b"data:".startswith(text[:5]) or b"event:".startswith(text) else False
    return text.startswith((b"data:", b"event:", b":", b"id:", b"retry:"))
