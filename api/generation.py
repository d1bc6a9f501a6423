"""`/api/v1/generation`: the metadata of one finished request."""

from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from ninja import Router

from activity.names import provider_name
from billing import spending
from common.errors import NotFound
from gateway.models import Generation

from . import schemas
from .responses import KeyRequest, dollars, json_response, organisation_of

router = Router(tags=["Activity"])


@router.get(
    "/generation", response=schemas.Generation, operation_id="getGeneration", summary="Get a request's metadata"
)
def get_generation(request: KeyRequest, id: str) -> HttpResponse:  # noqa: A002 the parameter's public name
    """Return what one finished request used and cost. Times are in milliseconds, money in dollars."""
    account = spending.account_of(organisation_of(request))
    found = account.generations.filter(pk=id[:40]).first() if id.isprintable() else None
    if found is None:
        raise NotFound("Generation not found. It is available shortly after the response ends.")
    return json_response({"data": generation_json(found)})


def generation_json(row: Generation) -> dict[str, Any]:
    """Return every documented field; null where we have no value."""
    answered = bool(row.model)
    return {
        "id": row.pk,
        "request_id": None,
        "upstream_id": row.upstream_id or None,
        "model": row.model or row.requested_model,
        "provider_name": provider_name(row.provider) or None,
        "router": None,
        "api_type": row.api_type,
        "created_at": row.created_at,
        "streamed": row.streamed,
        "cancelled": row.cancelled,
        "finish_reason": row.finish_reason or None,
        "native_finish_reason": row.native_finish_reason or None,
        "latency": row.latency_ms,
        "generation_time": row.duration_ms,
        "moderation_latency": None,
        "tokens_prompt": row.prompt_tokens if answered else None,
        "tokens_completion": row.completion_tokens if answered else None,
        "native_tokens_prompt": row.prompt_tokens if answered else None,
        "native_tokens_completion": row.completion_tokens if answered else None,
        "native_tokens_reasoning": row.reasoning_tokens if answered else None,
        "native_tokens_cached": row.cached_tokens if answered else None,
        "native_tokens_completion_images": None,
        "num_media_prompt": None,
        "num_media_completion": None,
        "num_input_audio_prompt": None,
        "num_search_results": row.web_search_results if row.web_search_engine else None,
        "num_fetches": None,
        "total_cost": dollars(row.cost),
        "usage": dollars(row.cost),
        "cache_discount": _saved_by_cache(row),
        "upstream_inference_cost": 0,
        "is_byok": False,
        "app_id": None,
        "origin": "/".join(row.app.split("/")[:3]),
        "http_referer": row.app or None,
        "user_agent": row.user_agent or None,
        "external_user": row.external_user or None,
        "session_id": row.session_id or None,
        "preset_id": None,
        "service_tier": None,
        "web_search_engine": row.web_search_engine or None,
        "response_cache_source_id": None,
        "data_region": "global",
        "workspace_id": None,
        "provider_responses": [_attempt_json(attempt) for attempt in row.attempts],
    }


def _attempt_json(attempt: dict[str, Any]) -> dict[str, Any]:
    return {
        "endpoint_id": attempt["endpoint"],
        "id": None,
        "is_byok": False,
        "latency": attempt["latency_ms"],
        "model_permaslug": attempt["model"],
        "provider_name": provider_name(attempt["provider"]),
        "status": attempt["status"],
    }


def _saved_by_cache(row: Generation) -> Decimal | None:
    """Return the dollars saved by cached prompt tokens; None when there were none."""
    if not row.cached_tokens or not row.cost:
        return None
    prompt = Decimal(row.price.get("prompt", "0"))
    cached = Decimal(row.price.get("input_cache_read", prompt))
    return Decimal(f"{(row.cached_tokens * (prompt - cached)).normalize():f}")
