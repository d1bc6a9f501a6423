"""Events as the JSON object of a rerank response. Pure."""

from collections.abc import Iterable
from typing import Any

from common.money import as_usd
from gateway.events import Billed, Delta, Event, Started
from gateway.protocols.chat_completions.request import ChatRequest

from .request import RerankRequest

__all__ = ["gather"]


def gather(request: ChatRequest, events: Iterable[Event]) -> dict[str, Any]:
    """The JSON object of the response, most relevant document first.

    `usage` is missing while the database is away.
    """
    assert isinstance(request, RerankRequest)
    reply: dict[str, Any] = {"results": []}
    for event in events:
        match event:
            case Started():
                reply |= {"id": event.generation_id, "model": event.model, "provider": event.provider}
                if event.routing:
                    reply["openrouter_metadata"] = event.routing
            case Delta():
                reply["results"] = [
                    {"index": index, "relevance_score": score, "document": {"text": request.documents[index]}}
                    for index, score in event.ranking or ()
                ]
            case Billed():
                reply["usage"] = _usage(event)
    return reply


def _usage(billed: Billed) -> dict[str, Any]:
    usage = billed.usage
    return {
        **({"search_units": usage.search_units} if usage.search_units else {}),
        **({"total_tokens": usage.prompt_tokens} if usage.prompt_tokens else {}),
        "cost": as_usd(billed.cost),
        **({"is_estimated": True} if usage.estimated else {}),
    }
