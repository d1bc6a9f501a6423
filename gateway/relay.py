"""Relaying: one task listens to the provider, whoever wants the answer reads along.

The listener is a task of its own so that a reader who leaves does not cut the provider off in the middle of
a read: what the answer costs is known only at its end.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator

from django.conf import settings

from gateway.providers.failures import ProviderFailure
from gateway.routing.plan import Attempt

from .events import Delta, Finished
from .providers import Answer

__all__ = ["Relay"]

log = logging.getLogger(__name__)

#: Pieces that may wait for a slow reader before the provider has to wait as well.
MOST_WAITING = 512

Piece = list[Delta | Finished]


class Relay:
    """An answer being listened to. Pieces are lists: what one network packet held."""

    def __init__(self, attempt: Attempt, answer: Answer) -> None:
        self.attempt = attempt
        self.answer = answer
        self.seconds = 0.0  # to the first token
        self._first: Piece | None = None
        # None is the end; a ProviderFailure is an end as well.
        self._pieces: asyncio.Queue[Piece | ProviderFailure | None] = asyncio.Queue(MOST_WAITING)
        self._listener = asyncio.create_task(self._listen())

    async def wait_for_first(self) -> None:
        """Return when the first piece is here, or the answer is complete without one; ProviderFailure else."""
        self._first = await self._next()

    async def events(self) -> AsyncGenerator[Delta | Finished, None]:
        """Every event up to the end; ProviderFailure when the answer breaks off."""
        piece = self._first
        while piece is not None:
            for event in piece:
                yield event
            piece = await self._next()

    async def hear_out(self) -> AsyncGenerator[Delta | Finished, None]:
        """What is still to come, for an answer that nobody reads any more; ends at the first failure."""
        try:
            while (piece := await self._next()) is not None:
                for event in piece:
                    yield event
        except ProviderFailure as failure:
            log.info("%s broke off an abandoned answer (%d)", self.attempt.endpoint.tag, failure.status)

    async def close(self) -> None:
        """Stop listening and close the connection."""
        if not self._listener.done():
            self._listener.cancel()
            await asyncio.wait({self._listener})
        await self.answer.close()

    async def _listen(self) -> None:
        end: ProviderFailure | None = None
        try:
            async with asyncio.timeout(settings.PROVIDER_TOTAL_SECONDS):
                async for piece in self.answer.pieces():
                    await self._pieces.put(piece)
        except ProviderFailure as failure:
            end = failure
        except TimeoutError:
            end = ProviderFailure(504, "The provider took too long to finish.", error_type="timeout")
        except Exception as error:
            log.error("listening to %s failed: %s", self.attempt.endpoint.tag, type(error).__name__)
            end = ProviderFailure(502, "The provider's answer could not be read.")
        await self._pieces.put(end)

    async def _next(self) -> Piece | None:
        piece = await self._pieces.get()
        if isinstance(piece, ProviderFailure):
            raise piece
        return piece
