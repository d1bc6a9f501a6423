"""`/api/v1/activity`: usage by day, model and provider."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

import msgspec
from django.http import HttpResponse
from ninja import Router

from activity.names import provider_name
from activity.sums import rollups
from activity.sums.completed import completed, kept
from activity.sums.rollups import Stretch
from api.account.schemas import organization as schemas
from api.responses import KeyRequest, dollars, encoder, json_response, organisation_of
from billing import spending
from common.clock import utc_now, window_start
from common.errors import InvalidRequest, NotFound
from common.storage import replica
from keys.models import ApiKey
from models_catalog import catalog

router = Router(tags=["Activity"])

#: Completed UTC days that `/activity` covers.
DAYS = 30
#: The sums of a row: money first, then the counts under their own names.
_SUMS = ("cost", "byok_cost", "requests", "prompt_tokens", "completion_tokens", "reasoning_tokens", "cached_tokens")


@router.get(
    "/activity",
    response=schemas.Activity,
    operation_id="getUserActivity",
    summary="Get activity by day and model",
)
@replica.reads
def get_activity(
    request: KeyRequest,
    date: str = "",
    api_key_hash: str = "",
    user_id: str = "",
    workspace_id: str = "",
    group_by: Literal["workspace"] | None = None,
) -> HttpResponse:
    """Return sums for the last 30 completed UTC days, newest first. `usage` is in dollars.

    Every row has its `workspace_id`, with `group_by` or without. An organization has one workspace.
    """
    organisation = organisation_of(request)
    start, end = _days(date)
    account = spending.account_of(organisation)
    if workspace_id and workspace_id != organisation.workspace_id:
        raise NotFound("Workspace not found")
    conditions: dict[str, int] = {}
    if api_key_hash:
        key = (
            ApiKey.objects.filter(organisation=organisation, hash=api_key_hash).first()
            if api_key_hash.isalnum()
            else None
        )
        if key is None:
            raise NotFound("API key not found")
        conditions["key_id"] = key.pk
    if user_id:
        member = organisation.members.filter(public_id=user_id).first() if user_id.isprintable() else None
        if member is None:
            raise NotFound("User not found in this organization")
        conditions["user_id"] = member.pk
    days = completed(account)
    workspace = organisation.workspace_id

    def rows() -> bytes:
        edges = [start + timedelta(days=day) for day in range((end - start).days + 1)]
        found = rollups.sums_by(Stretch(account, edges, "day"), days.until, _SUMS, "model", "provider", **conditions)
        found.sort(key=lambda row: (-row[0].timestamp(), row[1]))
        return encoder.encode([_activity_json(*row, workspace) for row in found])

    if date or conditions or end > days.until:  # many different ones, or not all of it is added up
        return json_response({"data": msgspec.Raw(rows())})
    about = ("activity", start, end, workspace, catalog.current().stamp)
    return json_response({"data": msgspec.Raw(kept(account, days, about, rows))})


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


def _activity_json(day: datetime, names: tuple[str, ...], sums: tuple[int, ...], workspace_id: str) -> dict[str, Any]:
    model_id, provider = names
    cost, byok_cost, *counts = sums
    model = catalog.current().find(model_id)
    return {
        "date": f"{day:%Y-%m-%d}",
        "model": model_id,
        "model_permaslug": model.canonical_slug if model else model_id,
        "endpoint_id": provider,
        "provider_name": provider_name(provider),
        "usage": dollars(cost),
        "byok_usage_inference": dollars(byok_cost),
        **dict(zip(_SUMS[2:], counts, strict=True)),
        "workspace_id": workspace_id,
    }
