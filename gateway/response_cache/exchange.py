"""One request and the response cache: finding its response, or recording the one that it gets."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

import msgspec
from django.conf import settings

from common.clock import utc_now
from gateway.events import Billed, Delta, Event, Failed, Finished, Piece, Started
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.protocols.json_text import decoded

from .options import CacheOptions
from .sealing import Sealing
from .stored import StoredResponse, decode, encode, encode_event
from .stores import Store, store

__all__ = ["CachedExchange"]

#: The largest stored response, as a share of the whole store.
LARGEST_SHARE = 16

_encode = msgspec.json.Encoder().encode


class CachedExchange:
    """One request's part in the cache; `headers` are those that tell it to the client.

    Requests are the same if API key, endpoint, model and body are: properties in the same order, with the same values;
    white space does not count. `model` is the model if the request names none.
    """

    def __init__(
        self,
        options: CacheOptions,
        secret: str,
        endpoint: str,
        body: bytes,
        request: ChatRequest,
        *,
        model: str,
        responses: Store | None = None,
    ) -> None:
        self._options = options
        self._store = responses or store()
        self._sealing = Sealing(secret)
        self._name = self._sealing.name(
            endpoint.encode(),
            (request.model or model).encode("utf-8", "replace"),
            b"stream" if request.stream else b"whole",
            _encode(decoded(body)),  # as it was sent: a protocol may read it in another order
            _encode((request.body, request.messages)),  # as it is served, with what the gateway has added
        )
        self.headers = {"X-OpenRouter-Cache-Status": "MISS", "X-OpenRouter-Cache-TTL": str(options.ttl)}

    async def find(self) -> StoredResponse[Delta | Finished] | None:
        """The stored response, unless the request clears it."""
        if self._options.clears:
            await self._store.delete(self._name)
            return None
        sealed = await self._store.get(self._name)
        content = sealed and self._sealing.open(self._name, sealed)
        response = decode(content) if content else None
        if response is None:
            return None
        age = max(0, int(utc_now().timestamp() - response.stored_at))
        if age >= response.ttl:
            return None
        self.headers = {
            "X-OpenRouter-Cache-Status": "HIT",
            "X-OpenRouter-Cache-Age": str(age),
            "X-OpenRouter-Cache-TTL": str(response.ttl - age),
            "X-OpenRouter-Cache-Source-Id": response.source_id,
        }
        return response

    async def recorded(self, pieces: AsyncGenerator[Piece, None]) -> AsyncGenerator[Piece, None]:
        """Yield the pieces, and store their events once the response is complete.

        A response that fails, is abandoned or has no end is not stored, and neither is one that is too large.
        """
        recording = _Recording(settings.RESPONSE_CACHE_BYTES // LARGEST_SHARE)
        async with aclosing(pieces):
            async for piece in pieces:
                for event in piece:
                    if isinstance(event, Billed):  # the last one: a client that has all of it finds it stored
                        await self._keep(recording)
                    recording.add(event)
                yield piece
        await self._keep(recording)

    async def _keep(self, recording: "_Recording") -> None:
        if (response := recording.take(self._options.ttl)) is not None:
            await self._store.put(self._name, self._sealing.seal(self._name, response), self._options.ttl)


class _Recording:
    """A response while its events arrive, of at most `max_bytes`."""

    def __init__(self, max_bytes: int) -> None:
        self._started: Started | None = None
        self._events: list[msgspec.Raw] = []
        self._room = max_bytes
        self._is_complete = False

    def add(self, event: Event) -> None:
        if isinstance(event, Started):
            self._started = event
        elif isinstance(event, Failed):
            self._stop()
        elif isinstance(event, Delta | Finished) and self._room:
            self._is_complete = self._is_complete or isinstance(event, Finished)
            self._add(event)

    def take(self, ttl: int) -> bytes | None:
        """The bytes to store for `ttl` seconds, once; None if the response is not to be stored."""
        started, events, wanted = self._started, self._events, self._is_complete and self._room > 0
        self._stop()
        if started is None or not wanted:
            return None
        return encode(
            StoredResponse(
                source_id=started.generation_id,
                stored_at=utc_now().timestamp(),
                ttl=ttl,
                model=started.model,
                provider=started.provider,
                provider_slug=started.provider_slug,
                simulated=started.simulated,
                system_fingerprint=started.system_fingerprint,
                events=events,
            )
        )

    def _add(self, event: Delta | Finished) -> None:
        piece = encode_event(event)
        self._events.append(piece)
        self._room -= len(bytes(piece))
        if self._room <= 0:
            self._stop()

    def _stop(self) -> None:
        """Record no more, and give the memory back."""
        self._events, self._room = [], 0
