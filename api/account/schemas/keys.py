"""JSON shapes of API keys."""

from datetime import datetime

from ninja import Schema

__all__ = ["AuthorizationCode", "CreatedKey", "CurrentKey", "Deleted", "ExchangedKey", "Key", "Keys"]


class _Spent(Schema):
    """Dollars spent in all, and in the current UTC day, week (from Monday) and month."""

    usage: float
    usage_daily: float
    usage_weekly: float
    usage_monthly: float
    byok_usage: float
    byok_usage_daily: float
    byok_usage_weekly: float
    byok_usage_monthly: float


class _Limited(_Spent):
    label: str
    limit: float | None
    limit_remaining: float | None
    limit_reset: str | None
    include_byok_in_limit: bool
    expires_at: datetime | None
    creator_user_id: str | None


class KeyData(_Limited):
    """A key as a management key sees it. `external_user` is the ID that you have given its user.

    `previous_key_expires_at` is when the secret before the last rotation stops or has stopped working.
    """

    hash: str
    name: str
    disabled: bool
    created_at: datetime
    updated_at: datetime | None
    last_used_at: datetime | None
    external_user: str | None
    workspace_id: str
    allowed_ips: list[str]
    allowed_models: list[str]
    requests_per_minute: int | None
    tokens_per_minute: int | None
    max_concurrent_requests: int | None
    updated_by_user_id: str | None
    previous_key_expires_at: datetime | None


class KeyBudget(Schema):
    """A spend limit that applies to the key, in dollars. `resets_at` is null if it does not reset.

    `scope` is "key_limit" for the key's own, or "member_limit" for that of the member who created it.
    """

    budget_id: str | None
    guardrail_id: str | None
    include_byok: bool
    limit_usd: float
    remaining_usd: float
    reset_interval: str | None
    resets_at: datetime | None
    scope: str
    spend_usd: float


class FreeRequests(Schema):
    """Requests of free models in this UTC day, over all keys of the account."""

    limit: int
    remaining: int
    used: int


class RateLimit(Schema):
    """Deprecated: `requests` is always -1."""

    requests: int
    interval: str
    note: str


class CurrentKeyData(_Limited):
    """The key that the request is made with. `organization_id` is null for a personal account."""

    is_free_tier: bool
    is_management_key: bool
    is_provisioning_key: bool
    rate_limit: RateLimit
    allowed_data_regions: list[str]
    budgets: list[KeyBudget]
    effective_budget: KeyBudget | None
    free_model_daily_requests: FreeRequests
    organization_id: str | None
    workspace_id: str


class Key(Schema):
    data: KeyData


class Keys(Schema):
    data: list[KeyData]


class CreatedKey(Key):
    """`key` is the secret. It is shown only once."""

    key: str


class ExchangedKey(Schema):
    """`key` is the secret. It is shown only once."""

    key: str
    user_id: str | None


class AuthorizationCodeData(Schema):
    """`id` is the code. `app_id` is the same for all codes of an app."""

    id: str
    app_id: int
    created_at: str


class AuthorizationCode(Schema):
    data: AuthorizationCodeData


class CurrentKey(Schema):
    data: CurrentKeyData


class Deleted(Schema):
    deleted: bool
