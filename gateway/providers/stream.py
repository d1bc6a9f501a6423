"""A provider's response while it arrives, whatever its protocol."""

import logging
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from typing import TypeVar

import msgspec

from gateway.events import Delta, Finished, Usage
from gateway.protocols.json_text import is_json

from . import http
from .event_stream import EventStreamDecoder, EventTooLong
from .failures import ProviderFailure
from .joining import PayloadJoiner
from .tolerant import SurrogateJoiner, fitted

__all__ = ["ProviderResponse", "ProviderStream", "checked_usage", "with_kinds"]

log = logging.getLogger(__name__)

S = TypeVar("S", bound=msgspec.Struct)

#: A provider that counts more tokens than this is mistaken.
MAX_PLAUSIBLE_TOKENS = 100_000_000


class ProviderResponse(ABC):
    """A provider's response, read batch by batch; `usage`, `upstream_id`, `system_fingerprint` and `service_tier` are
    filled meanwhile.
    """

    def __init__(self) -> None:
        self.usage: Usage | None = None
        self.upstream_id = ""
        self.system_fingerprint: str | None = None
        self.service_tier = "default"  # that the provider has served; empty: the one that it was asked for
        self.finished = False  # nothing more will come
        self.choices = 1  # that the caller has asked for
        self.skipped = 0  # texts of the stream that are not of this protocol

    @abstractmethod
    async def next_batch(self) -> list[Delta | Finished] | None:
        """The events that have arrived since the last batch, in order; maybe none. None at the end.

        Cancelling it loses nothing. Raises ProviderFailure when the response breaks off or turns out to be an error.
        """

    async def batches(self) -> AsyncGenerator[list[Delta | Finished], None]:
        """Yield every batch that has events. Raises as `next_batch` does."""
        while (batch := await self.next_batch()) is not None:
            if batch:
                yield batch

    @abstractmethod
    async def close(self) -> None:
        """Stop reading. A provider that supports cancellation stops generating."""


class ProviderStream(ProviderResponse):
    """One response of a protocol, which implements `parse`: an event stream, or a body in one piece."""

    def __init__(self, response: http.UpstreamResponse) -> None:
        super().__init__()
        self._response = response
        self.complete = False  # the provider has sent its end marker
        self._is_at_end = False  # of the body
        self._has_events = False
        self._is_stream: bool | None = None  # whether the body is an event stream, once it is known
        self._start = b""  # of the body, until that is known
        self._decoder = EventStreamDecoder()
        self._joiner = PayloadJoiner()
        self._failure: ProviderFailure | None = None  # of the body, or in its texts so far
        self._finished_choices: set[int] = set()
        self._surrogates: SurrogateJoiner | None = None  # once the provider has sent something odd
        self._parts: list[bytes] = []  # of a body in one piece: joined once, because embeddings have megabytes

    async def next_batch(self) -> list[Delta | Finished] | None:
        """The events that have arrived since the last batch, up to the provider's end marker.

        Failures after the finish reason of the last choice are ignored. A body that ends without a finish reason was
        cut off.
        """
        if self.finished:
            return None
        if not (self.complete or self._is_at_end or self._failure):
            return await self._read()
        self.finished = True
        if self.skipped:
            log.warning("skipped %d texts of a provider's stream that were not of its protocol", self.skipped)
        if len(self._finished_choices) < self.choices:
            if self._failure is not None:
                raise self._failure
            # An empty response has no finish reason, but an end marker and usage.
            if not self.complete or self.usage is None:
                raise ProviderFailure(502, "The provider's response was interrupted.")
        return None

    async def _read(self) -> list[Delta | Finished]:
        """The events in the next chunk of the body. A failure is kept until they are taken."""
        try:
            chunk = await self._response.read_chunk()
            self._is_at_end = not chunk
            return self._batch(self._payloads(chunk) if chunk else self._last_payloads())
        except ProviderFailure as failure:
            self._failure = failure
            return []

    def _batch(self, payloads: list[bytes]) -> list[Delta | Finished]:
        """The events in these texts, up to the end marker or to a failure, which is kept."""
        batch: list[Delta | Finished] = []
        try:
            for payload in self._joiner.join(payloads):
                if payload == b"[DONE]":
                    self.complete = True
                elif payload:
                    batch += self._events_in(payload)
                if self.complete:
                    break
        except ProviderFailure as failure:
            self._failure = failure
        else:
            batch = batch if self._surrogates is None else self._surrogates.join(batch)
        return self._without_repeated_finishes(batch)

    def _events_in(self, payload: bytes) -> list[Delta | Finished]:
        """The events in one text.

        A text that is not of the protocol is skipped in a response that has begun, because the rest is worth more than
        one text. Before that it is a failure, so that another provider can serve the request.
        """
        try:
            events = self.parse(payload)
        except msgspec.DecodeError as error:
            if failure := self.reported_failure(payload):
                raise failure from error
            if not self._is_stream or not (self._has_events or is_json(payload)):
                raise ProviderFailure(502, "The provider sent an invalid response.") from error
            self.skipped += 1
            return []
        self._has_events = self._has_events or bool(events)
        self._joiner.learn(payload, events)
        return events

    @abstractmethod
    def parse(self, payload: bytes) -> list[Delta | Finished]:
        """The events in one JSON text of this protocol.

        Also fills `usage` and `upstream_id`, and sets `complete` where the protocol has an end marker. Raises
        ProviderFailure for an error that the provider reports, msgspec.DecodeError for a text that is not of this
        protocol.
        """

    def decoded(self, payload: bytes, decoder: msgspec.json.Decoder[S]) -> S:
        """The object in a JSON text; fields that do not fit it are left out. msgspec.DecodeError if there is none."""
        try:
            return decoder.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self._surrogates = self._surrogates or SurrogateJoiner()
            return fitted(payload, decoder.type)

    def reported_failure(self, payload: bytes) -> ProviderFailure | None:
        """The error that a provider reports in a text of another form; a protocol that has such texts overrides it."""
        return None

    async def close(self) -> None:
        self.finished = True
        await self._response.close()

    def collect(self, part: bytes) -> None:
        """Keep a part of a body in one piece, when it arrives."""
        self._parts.append(part)

    def collected(self) -> bytes:
        """The JSON text that `parse` gets of a body in one piece, once all parts are collected."""
        return b"".join(self._parts)

    def _payloads(self, chunk: bytes) -> list[bytes]:
        """The JSON texts that a chunk of the body completes; ProviderFailure for one without an end.

        The first bytes tell an event stream from a single JSON text, since the Content-Type is sometimes wrong.
        """
        if self._is_stream is None:
            chunk = self._start + chunk
            self._is_stream = _starts_event_stream(chunk)
            self._start = chunk if self._is_stream is None else b""
        if self._is_stream:
            try:
                return self._decoder.decode(chunk)
            except EventTooLong as error:
                raise ProviderFailure(502, "The provider sent an event that is too long.") from error
        if self._is_stream is False:
            self.collect(chunk)
        return []

    def _last_payloads(self) -> list[bytes]:
        """The JSON texts that are left when the body ends. A single one has no end marker: it is complete now."""
        if self._is_stream:
            return self._decoder.flush()
        if self._is_stream is None:
            self.collect(self._start)
        return [self.collected(), b"[DONE]"]

    def _without_repeated_finishes(self, batch: list[Delta | Finished]) -> list[Delta | Finished]:
        """The batch without a second finish of any choice, which clients take for the end."""
        kept = []
        for event in batch:
            if isinstance(event, Finished):
                if event.index in self._finished_choices:
                    continue
                self._finished_choices.add(event.index)
            kept.append(event)
        return kept


def checked_usage(
    prompt: int,
    completion: int,
    *,
    reasoning: int = 0,
    cached: int = 0,
    cache_write: int = 0,
    cache_write_1h: int = 0,
) -> Usage | None:
    """Usage with these token counts; None when they are impossible: negative, absurd, or parts above their whole."""
    counts = (prompt, completion, reasoning, cached, cache_write, cache_write_1h)
    parts_exceed_whole = cached + cache_write > prompt or cache_write_1h > cache_write or reasoning > completion
    if min(counts) < 0 or max(counts) > MAX_PLAUSIBLE_TOKENS or parts_exceed_whole:
        return None
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        reasoning_tokens=reasoning,
        cached_tokens=cached,
        cache_write_tokens=cache_write,
        cache_write_1h_tokens=cache_write_1h,
    )


def with_kinds(
    usage: Usage | None,
    *,
    audio: int = 0,
    image: int = 0,
    accepted_prediction: int = 0,
    rejected_prediction: int = 0,
) -> Usage | None:
    """The usage with its tokens of these kinds, each at most as many as there can be."""
    if usage is None:
        return None
    uncached = usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens
    return msgspec.structs.replace(
        usage,
        audio_tokens=max(0, min(audio, uncached)),
        image_tokens=max(0, min(image, usage.completion_tokens - usage.reasoning_tokens)),
        accepted_prediction_tokens=max(0, min(accepted_prediction, usage.completion_tokens)),
        rejected_prediction_tokens=max(0, min(rejected_prediction, usage.completion_tokens)),
    )


def _starts_event_stream(start: bytes | bytearray) -> bool | None:
    """Whether a body that begins like this is an event stream; None when these are too few bytes to tell."""
    text = bytes(start[:64]).lstrip(b"\xef\xbb\xbf \r\n\t")
    if len(text) < 6 and not text.startswith(b":"):
        return None if not text or b"data:".startswith(text[:5]) or b"event:".startswith(text) else False
    return text.startswith((b"data:", b"event:", b":", b"id:", b"retry:"))
