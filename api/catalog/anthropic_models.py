"""Models in the shape of Anthropic's API, for its clients: they send `anthropic-version` with every request."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.http import HttpRequest, QueryDict

from common.errors import InvalidRequest
from models_catalog.entries import ModelEntry
from models_catalog.publishing.listing import model_json

__all__ = ["HEADER", "is_asked_for", "model_info", "page_of"]

#: The header that tells Anthropic's clients from others.
HEADER = "anthropic-version"

_MAX_LIMIT = 1000


def is_asked_for(request: HttpRequest) -> bool:
    """Return whether the client is one of Anthropic's."""
    return HEADER in request.headers


def model_info(model: ModelEntry) -> dict[str, Any]:
    """Return the model with Anthropic's fields beside ours."""
    return model_json(model) | {
        "type": "model",
        "display_name": model.name,
        "created_at": datetime.fromtimestamp(model.created, UTC).isoformat().replace("+00:00", "Z"),
        "lifecycle": "active",
        "capabilities": None,
        "line": None,
        "max_input_tokens": model.cheapest.context_length,
        "max_tokens": model.cheapest.max_completion_tokens or model.cheapest.context_length,
        "deprecated_at": None,
        "retires_at": None,
    }


def page_of(models: Sequence[ModelEntry], given: QueryDict) -> dict[str, Any]:
    """Return the page that `limit`, `after_id` and `before_id` ask for; all models without them.

    Raises InvalidRequest for a limit outside 1..1000 and for an ID that is not in the list.
    """
    limit = _limit(given.get("limit"))
    places = {model.id: place for place, model in enumerate(models)}
    end = _place(places, "before_id", given.get("before_id"), len(models))
    start = _place(places, "after_id", given.get("after_id"), -1) + 1
    has_more = limit is not None and end - start > limit
    if limit is not None and has_more:
        start, end = (end - limit, end) if given.get("before_id") else (start, start + limit)
    data = [model_info(model) for model in models[start:end]]
    return {
        "data": data,
        "has_more": has_more,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
    }


def _limit(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or not 1 <= int(text[:9]) <= _MAX_LIMIT:
        raise InvalidRequest(f"`limit` must be a number from 1 to {_MAX_LIMIT}.")
    return int(text)


def _place(places: dict[str, int], name: str, model_id: str | None, default: int) -> int:
    if not model_id:
        return default
    if model_id not in places:
        raise InvalidRequest(f"`{name}` must be the ID of a model in the list.")
    return places[model_id]
