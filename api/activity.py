"""`/api/v1/generation` and `/api/v1/activity`: what happened, for programs."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum
from django.db.models.functions import TruncDay
from django.http import HttpResponse
from ninja import Router

from activity.names import provider_name
from billing import spending
from common.clock import utc_now, window_start
from common.errors import InvalidRequest, NotFound
from gateway.models import Generation, UsageHour
from keys.authentication import require_management
from keys.models import ApiKey
from models_catalog import catalog

from . import schemas
from .responses import KeyRequest, answer, dollars, organisation_of

router = Router(tags=["Activity"])

#: Completed UTC days that `/activity` reaches back.
DAYS = 30


@router.get(
    "/generation", response=schemas.Generation, operation_id="getGeneration", summary="Get a request's metadata"
)
def get_generation(request: KeyRequest, id: str) -> HttpResponse:  # noqa: A002 the parameter's public name
    """What one finished request of the organisation used, and what it cost. Times are milliseconds, money dollars."""
    account = spending.account_of(organisation_of(request))
    found = account.generations.filter(pk=id[:40]).first() if id.isprintable() else None
    if found is None:
        raise NotFound("Generation not found. It is available shortly after the answer has ended.")
    return answer({"data": generation_json(found)})


@router.get(
    "/activity",
    response=schemas.Activity,
    operation_id="getUserActivity",
    summary="Get activity by day and model",
)
def get_activity(request: KeyRequest, date: str = "", api_key_hash: str = "", user_id: str = "") -> HttpResponse:
    """Sums of the last 30 completed UTC days, newest first. `usage` is in dollars."""
    require_management(request.auth)
    organisation = organisation_of(request)
    start, end = _days(date)
    hours = UsageHour.objects.filter(account=spending.account_of(organisation), hour__gte=start, hour__lt=end)
    if api_key_hash:
        key = (
            ApiKey.objects.filter(organisation=organisation, hash=api_key_hash).first()
            if api_key_hash.isalnum()
            else None
        )
        if key is None:
            raise NotFound("API key not found")
        hours = hours.filter(key_id=key.pk)
    if user_id:
        member = organisation.members.filter(public_id=user_id).first() if user_id.isprintable() else None
        if member is None:
            raise NotFound("User not found in this organisation")
        hours = hours.filter(user_id=member.pk)
    columns = ("requests", "prompt_tokens", "completion_tokens", "reasoning_tokens", "cost")
    rows = (
        hours.annotate(day=TruncDay("hour", tzinfo=UTC))
        .values("day", "model", "provider")
        .annotate(**{f"sum_{column}": Sum(column) for column in columns})
        .order_by("-day", "model", "provider")
    )
    return answer({"data": [_activity_json(dict(row)) for row in rows]})


def generation_json(row: Generation) -> dict[str, Any]:
    """Every field that clients may expect; null where there is nothing to say."""
    answered = bool(row.model)
    return {
        "id": row.pk,
        "request_id": None,
        "upstream_id": row.upstream_id or None,
        "model": row.model or row.requested_model,
        "provider_name": provider_name(row.provider) or None,
        "router": None,
        "api_type": "completions",
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
    """Dollars that reading the prompt from the provider's cache saved; None when nothing was read."""
    if not row.cached_tokens or not row.cost:
        return None
    prompt = Decimal(row.price.get("prompt", "0"))
    cached = Decimal(row.price.get("input_cache_read", prompt))
    return Decimal(f"{(row.cached_tokens * (prompt - cached)).normalize():f}")


def _days(text: str) -> tuple[datetime, datetime]:
    """The first moment and the end of what was asked for: one completed day, or all of them."""
    today = window_start("daily", utc_now())
    earliest = today - timedelta(days=DAYS)
    if not text:
        return earliest, today
    try:
        day = datetime.combine(date.fromisoformat(text), time(), UTC)
    except ValueError as error:
        raise InvalidRequest("date must look like 2026-01-31.") from error
    if not earliest <= day < today:
        raise InvalidRequest(f"date must be one of the last {DAYS} completed UTC days.")
    return day, day + timedelta(days=1)


def _activity_json(row: dict[str, Any]) -> dict[str, Any]:
    model = catalog.current().find(row["model"])
    return {
        "date": f"{row['day']:%Y-%m-%d}",
        "model": row["model"],
        "model_permaslug": model.canonical_slug if model else row["model"],
        "endpoint_id": row["provider"],
        "provider_name": provider_name(row["provider"]),
        "usage": dollars(int(row["sum_cost"])),
        "byok_usage_inference": 0,
        "requests": int(row["sum_requests"]),
        "prompt_tokens": int(row["sum_prompt_tokens"]),
        "completion_tokens": int(row["sum_completion_tokens"]),
        "reasoning_tokens": int(row["sum_reasoning_tokens"]),
        "workspace_id": None,
    }
