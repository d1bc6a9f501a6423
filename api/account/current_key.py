"""`/api/v1/key`: the key that the request is made with, its limits and its usage."""

from datetime import datetime
from typing import Any

from django.http import HttpResponse
from ninja import Router

from accounts.models import Organisation
from api.account.schemas import keys as schemas
from api.responses import KeyRequest, dollars, json_response, organisation_of
from billing import spending
from common.clock import utc_now
from common.errors import NotFound
from gateway.accounting.free_limits import free_requests_today
from keys.models import ApiKey
from keys.status import KeyStatus

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
    budget = _budget(key, now)
    return {
        "is_free_tier": account.purchased == 0,
        "is_management_key": key.is_management,
        "is_provisioning_key": key.is_management,
        "rate_limit": {"requests": -1, "interval": "10s", "note": "Deprecated: always -1."},
        "allowed_data_regions": ["global"],
        "budgets": [budget] if budget else [],
        "effective_budget": budget,
        "free_model_daily_requests": {"limit": limit, "remaining": max(0, limit - used), "used": used},
        "organization_id": None if organisation.personal_of_id else organisation.public_id,
    }


def _budget(key: ApiKey, now: datetime) -> dict[str, Any] | None:
    """Return the key's own spend limit as a budget; None without a limit."""
    status = KeyStatus(key, now)
    if key.limit is None or status.remaining is None:
        return None
    return {
        "budget_id": None,
        "guardrail_id": None,
        "include_byok": key.include_byok_in_limit,
        "limit_usd": dollars(key.limit),
        "remaining_usd": dollars(status.remaining),
        "reset_interval": key.limit_reset or None,
        "resets_at": status.resets_at,
        "scope": "key_limit",
        "spend_usd": dollars(status.spent),
    }
