"""Events as the JSON object of an embeddings response. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import msgspec

from common.money import as_usd
from gateway.events import Billed, Delta, Event, Started

__all__ = ["gather", "in_parts"]

#: Bytes of vectors that are written at a time. A copy of all of them would take fresh memory, which costs more than the
#: copying itself.
PART_BYTES = 256 * 1024

_encode = msgspec.json.Encoder(decimal_format="number").encode


def gather(events: Iterable[Event]) -> dict[str, Any]:
    """The JSON object of the response.

    The vectors are in the order of the inputs. `usage` is missing while the database is away.
    """
    reply: dict[str, Any] = {"object": "list", "data": []}
    for event in events:
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
    sizes = [memoryview(vector).nbytes for vector in vectors]
    starts = _starts(len(vectors))
    head = b'{"data":['
    tail = b"%b],%b" % (b"}" if vectors else b"", _encode({name: reply[name] for name in reply if name != "data"})[1:])
    size = len(head) + sum(map(len, starts)) + sum(sizes) + len(tail)
    return size, _written(head, starts, vectors, tail, max(1, PART_BYTES // max(sizes, default=1)))


def _written(
    head: bytes, starts: Sequence[bytes], vectors: Sequence[msgspec.Raw], tail: bytes, at_once: int
) -> Iterator[bytes]:
    """The JSON of a reply, with `at_once` vectors in each part."""
    for at in range(0, max(1, len(vectors)), at_once):
        part = chain.from_iterable(zip(starts[at : at + at_once], vectors[at : at + at_once], strict=True))
        yield b"".join(chain((b"" if at else head,), part, (b"" if at + at_once < len(vectors) else tail,)))


@lru_cache(maxsize=64)
def _starts(vectors: int) -> tuple[bytes, ...]:
    """The JSON between this many vectors: before each of them, with the end of the one before it."""
    return tuple(
        b'%b{"object":"embedding","index":%d,"embedding":' % (b"}," if index else b"", index)
        for index in range(vectors)
    )


def _usage(billed: Billed) -> dict[str, Any]:
    usage = billed.usage
    return {
        "prompt_tokens": usage.prompt_tokens,
        "total_tokens": usage.prompt_tokens,
        "cost": as_usd(billed.cost),
        "is_byok": billed.is_byok,
        **({"is_estimated": True} if usage.estimated else {}),
    }
