"""`/api/v1/activity`: usage by day, model and provider."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Sum
from django.db.models.functions import TruncDay
from django.http import HttpResponse
from ninja import Router

from accounts.models import Organisation
from activity.names import provider_name
from api import schemas
from api.responses import KeyRequest, dollars, json_response, organisation_of
from billing import spending
from common.clock import utc_now, window_start
from common.errors import InvalidRequest, NotFound
from gateway.models import UsageHour
from keys.models import ApiKey
from models_catalog import catalog

router = Router(tags=["Activity"])

#: Completed UTC days that `/activity` covers.
DAYS = 30


@router.get(
    "/activity",
    response=schemas.Activity,
    operation_id="getUserActivity",
    summary="Get activity by day and model",
)
def get_activity(request: KeyRequest, date: str = "", api_key_hash: str = "", user_id: str = "") -> HttpResponse:
    """Return sums for the last 30 completed UTC days, newest first. `usage` is in dollars."""
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
            raise NotFound("User not found in this organization")
        hours = hours.filter(user_id=member.pk)
    columns = ("requests", "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens", "cost")
    rows = (
        hours.annotate(day=TruncDay("hour", tzinfo=UTC))
        .values("day", "model", "provider")
        .annotate(**{f"sum_{column}": Sum(column) for column in columns})
        .order_by("-day", "model", "provider")
    )
    return json_response({"data": [_activity_json(dict(row), organisation) for row in rows]})


def _days(text: str) -> tuple[datetime, datetime]:
    """Return the start and end of one completed day, or of all of them for an empty text. Raises InvalidRequest."""
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


def _activity_json(row: dict[str, Any], organisation: Organisation) -> dict[str, Any]:
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
        "cached_tokens": int(row["sum_cached_tokens"]),
        "workspace_id": organisation.workspace_id,
    }
