"""Events as the JSON object of an embeddings response. Pure."""

from collections.abc import AsyncIterable, Iterable, Iterator
from typing import Any

import msgspec

from common.money import as_usd
from gateway.events import Billed, Delta, Event, Started

__all__ = ["gather", "in_parts"]

#: Bytes of vectors that are written at a time. A copy of all of them would take fresh memory, which costs more than the
#: copying itself.
PART_BYTES = 256 * 1024

_encode = msgspec.json.Encoder(decimal_format="number").encode


async def gather(events: AsyncIterable[Event]) -> dict[str, Any]:
    """The JSON object of the response; ApiError passes through.

    The vectors are in the order of the inputs. `usage` is missing while the database is away.
    """
    reply: dict[str, Any] = {"object": "list", "data": []}
    async for event in events:
        match event:
            case Started():
                reply |= {"id": event.generation_id, "model": event.model, "provider": event.provider}
                if event.routing:
                    reply["openrouter_metadata"] = event.routing
            case Delta():
                reply["data"] = [
                    {"object": "embedding", "index": index, "embedding": vector}
                    for index, vector in enumerate(event.vectors or ())
                ]
            case Billed():
                reply["usage"] = _usage(event)
    return reply


def in_parts(reply: dict[str, Any]) -> tuple[int, Iterable[bytes]]:
    """(the bytes of the reply's JSON, the JSON in parts of about PART_BYTES)."""
    vectors = [item["embedding"] for item in reply["data"]]
    starts = [
        b'%b{"object":"embedding","index":%d,"embedding":' % (b"," if index else b"", index)
        for index in range(len(vectors))
    ]
    head = b'{"data":['
    tail = b"],%b" % _encode({name: value for name, value in reply.items() if name != "data"})[1:]
    size = len(head) + sum(map(len, starts)) + sum(memoryview(each).nbytes + 1 for each in vectors) + len(tail)
    return size, _written(head, zip(starts, vectors, strict=True), tail)


def _written(head: bytes, items: Iterator[tuple[bytes, msgspec.Raw]], tail: bytes) -> Iterator[bytes]:
    part: list[bytes | msgspec.Raw] = [head]
    size = 0
    for start, vector in items:
        part += (start, vector, b"}")
        size += memoryview(vector).nbytes
        if size >= PART_BYTES:
            yield b"".join(part)
            part, size = [], 0
    yield b"".join((*part, tail))


def _usage(billed: Billed) -> dict[str, Any]:
    usage = billed.usage
    return {
        "prompt_tokens": usage.prompt_tokens,
        "total_tokens": usage.prompt_tokens,
        "cost": as_usd(billed.cost),
        "is_byok": billed.is_byok,
        **({"is_estimated": True} if usage.estimated else {}),
    }
