"""Events as the JSON object of an embeddings response. Pure."""

from collections.abc import AsyncIterable
from typing import Any

from common.money import as_usd
from gateway.events import Billed, Delta, Event, Started

__all__ = ["gather"]


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


def _usage(billed: Billed) -> dict[str, Any]:
    usage = billed.usage
    return {
        "prompt_tokens": usage.prompt_tokens,
        "total_tokens": usage.prompt_tokens,
        "cost": as_usd(billed.cost),
        "is_byok": False,
        **({"is_estimated": True} if usage.estimated else {}),
    }
