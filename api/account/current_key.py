"""`/api/v1/key`: the key that the request is made with, its limits and its usage."""

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from ninja import Router

from accounts.models import Membership, Organisation
from api.account.schemas import keys as schemas
from api.responses import KeyRequest, dollars, json_response, organisation_of
from billing import spending
from common.clock import utc_now
from common.errors import NotFound
from common.limits import spend_limits
from common.limits.spend_limits import LimitColumns
from gateway.accounting.free_limits import free_requests_today
from guardrails import lookup
from guardrails.models import Guardrail
from keys.models import ApiKey
from keys.rules.status import limit_columns

from .keys import keys_json

router = Router(tags=["Keys"])

_SHARED = frozenset(schemas.CurrentKeyData.model_fields) & frozenset(schemas.KeyData.model_fields)


@router.get("/key", response=schemas.CurrentKey, operation_id="getCurrentKey", summary="Get the current API key")
def get_current_key(request: KeyRequest) -> HttpResponse:
    """Return the key that the request is made with: its limits, and its usage in each window."""
    organisation = organisation_of(request)
    key = (
        ApiKey.objects.of(organisation)
        .select_related("created_by", "updated_by")
        .filter(pk=request.auth.key_id)
        .first()
    )
    if key is None:
        raise NotFound("API key not found")
    listed = {name: value for name, value in keys_json(organisation, [key])[0].items() if name in _SHARED}
    return json_response({"data": listed | _standing(key, organisation, utc_now())})


@router.get(
    "/auth/key",
    response=schemas.CurrentKey,
    operation_id="getAuthKey",
    summary="Get the current API key",
    deprecated=True,
)
def get_auth_key(request: KeyRequest) -> HttpResponse:
    """Return the same as `/key`, for older clients."""
    return get_current_key(request)


def _standing(key: ApiKey, organisation: Organisation, now: datetime) -> dict[str, Any]:
    """Return what applies to the key beside its own columns: budgets, the limit of free models, its account."""
    account = spending.account_of(organisation)
    limit, used = free_requests_today(account.pk, account.purchased, now)
    budgets = [*_own_budget(key, now), *_member_budget(key, now), *_guardrail_budgets(key, now)]
    return {
        "is_free_tier": account.purchased == 0,
        "is_management_key": key.is_management,
        "is_provisioning_key": key.is_management,
        "rate_limit": {"requests": -1, "interval": "10s", "note": "Deprecated: always -1."},
        "allowed_data_regions": ["global"],
        "budgets": budgets,
        "effective_budget": min(budgets, key=lambda budget: budget["remaining_usd"], default=None),
        "free_model_daily_requests": {"limit": limit, "remaining": max(0, limit - used), "used": used},
        "organization_id": None if organisation.personal_of_id else organisation.public_id,
    }


def _own_budget(key: ApiKey, now: datetime) -> list[dict[str, Any]]:
    """Return the key's own spend limit as a budget; nothing without a limit."""
    if key.limit is None:
        return []
    return [_budget_json(limit_columns(key), now, "key_limit", include_byok=key.include_byok_in_limit)]


def _member_budget(key: ApiKey, now: datetime) -> list[dict[str, Any]]:
    """Return the spend limit of the member who created the key as a budget; nothing without a limit."""
    members = Membership.objects.filter(organisation=key.organisation_id, spend_limit__isnull=False)
    member = members.filter(user=key.created_by_id).first() if key.created_by_id else None
    return [_budget_json(member, now, "member_limit", include_byok=False)] if member else []


def _guardrail_budgets(key: ApiKey, now: datetime) -> list[dict[str, Any]]:
    """Return the budgets of the key's guardrail and of its creator's."""
    return [
        _budget_json(
            each, now, "guardrail_key" if each.key_id else "guardrail_member",
            guardrail=each.guardrail, include_byok=each.guardrail.include_byok,
        )
        for each in lookup.assignments_for(key.organisation_id, key.pk, key.created_by_id)
        if each.limit is not None
    ]  # fmt: skip


def _budget_json(
    row: LimitColumns, now: datetime, scope: str, *, include_byok: bool, guardrail: Guardrail | None = None
) -> dict[str, Any]:
    return {
        "budget_id": None,
        "guardrail_id": str(guardrail.public_id) if guardrail else None,
        "include_byok": include_byok,
        "limit_usd": dollars(row.limit or 0),
        "remaining_usd": dollars(spend_limits.remaining(row, now) or 0),
        "reset_interval": row.limit_reset or None,
        "resets_at": spend_limits.resets_at(row.limit_reset, now),
        "scope": scope,
        "spend_usd": dollars(spend_limits.counted(row, now)),
    }
