"""Requests in parts: some providers take fewer inputs at a time than a request has."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import msgspec

from gateway.events import Delta, Finished, Usage
from gateway.providers import http
from gateway.providers.stream import ProviderResponse

from .vectors import VectorsResponse

__all__ = ["open_parts"]

#: Parts of one request that a provider answers at the same time.
MAX_AT_ONCE = 4

Part = tuple[dict[str, Any], int]  # the body, and how many inputs it has


async def open_parts(
    parts: Sequence[Part],
    send: Callable[[dict[str, Any]], Awaitable[http.UpstreamResponse]],
    read: Callable[[http.UpstreamResponse, int], VectorsResponse],
) -> ProviderResponse:
    """The responses to all parts as one. Raises ProviderFailure when the provider does not accept one of them."""
    limit = asyncio.Semaphore(MAX_AT_ONCE)
    opened: list[VectorsResponse] = []

    async def ask(body: dict[str, Any], inputs: int) -> VectorsResponse:
        async with limit:
            response = read(await send(body), inputs)
        opened.append(response)
        return response

    if len(parts) == 1:
        return await ask(*parts[0])
    asking = [asyncio.create_task(ask(*part)) for part in parts]
    try:
        return _JoinedVectors(await asyncio.gather(*asking))
    except BaseException:
        for task in asking:
            task.cancel()
        await asyncio.wait(asking)
        for response in opened:
            await response.close()
        raise


class _JoinedVectors(ProviderResponse):
    """Several responses in one piece each, as one."""

    def __init__(self, parts: Sequence[VectorsResponse]) -> None:
        super().__init__()
        self._parts = parts

    async def next_batch(self) -> list[Delta | Finished] | None:
        if self.finished:
            return None
        vectors: list[msgspec.Raw] = []
        for part in self._parts:
            async for batch in part.batches():
                vectors += [each for event in batch if isinstance(event, Delta) for each in event.vectors or ()]
        counted = [part.usage.prompt_tokens for part in self._parts if part.usage]
        if len(counted) == len(self._parts):
            self.usage = Usage(prompt_tokens=sum(counted))
        self.upstream_id = self._parts[0].upstream_id
        self.finished = True
        return [Delta(vectors=vectors), Finished(finish_reason="stop", native_finish_reason="stop")]

    async def close(self) -> None:
        self.finished = True
        for part in self._parts:
            await part.close()
