"""JSON shapes of the management API, for its OpenAPI document.

Amounts are dollars with up to twelve decimals, moments are ISO 8601 in UTC, durations are milliseconds.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import StringConstraints

from gateway.models import Feedback

__all__ = [
    "Activity",
    "AuthorizationCode",
    "CreatedKey",
    "Credits",
    "CurrentKey",
    "Deleted",
    "ExchangedKey",
    "FeedbackReceived",
    "Generation",
    "GenerationContent",
    "Key",
    "Keys",
    "Members",
    "NewFeedback",
    "Preset",
    "PresetVersion",
    "PresetVersions",
    "Presets",
]


class Totals(Schema):
    """Dollars, exact to twelve decimals. The balance is the difference."""

    total_credits: float
    total_usage: float


class Credits(Schema):
    data: Totals


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
    """A key as a management key sees it. `external_user` is always null: keys belong to members."""

    hash: str
    name: str
    disabled: bool
    created_at: datetime
    updated_at: datetime | None
    last_used_at: datetime | None
    external_user: str | None
    workspace_id: str


class KeyBudget(Schema):
    """A spend limit that applies to the key, in dollars. `resets_at` is null if it does not reset."""

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


class GenerationData(Schema):
    """One finished request. `latency` is the time to first token, `generation_time` the time to the last."""

    id: str
    request_id: str | None
    upstream_id: str | None
    model: str
    provider_name: str | None
    router: str | None
    api_type: str | None
    created_at: datetime
    streamed: bool | None
    cancelled: bool | None
    finish_reason: str | None
    native_finish_reason: str | None
    latency: int | None
    generation_time: int | None
    moderation_latency: int | None
    tokens_prompt: int | None
    tokens_completion: int | None
    native_tokens_prompt: int | None
    native_tokens_completion: int | None
    native_tokens_reasoning: int | None
    native_tokens_cached: int | None
    native_tokens_completion_images: int | None
    num_media_prompt: int | None
    num_media_completion: int | None
    num_input_audio_prompt: int | None
    num_search_results: int | None
    num_fetches: int | None
    total_cost: float
    usage: float
    cache_discount: float | None
    upstream_inference_cost: float | None
    is_byok: bool
    app_id: int | None
    origin: str
    http_referer: str | None
    user_agent: str | None
    external_user: str | None
    session_id: str | None
    preset_id: str | None
    service_tier: str | None
    web_search_engine: str | None
    response_cache_source_id: str | None
    data_region: str
    workspace_id: str | None
    provider_responses: list[dict[str, Any]] | None


class Generation(Schema):
    data: GenerationData


class StoredInput(Schema):
    """`prompt` of a text completion, or else the `messages`."""

    prompt: str | None = None
    messages: list[dict[str, Any]] | None = None


class StoredOutput(Schema):
    completion: str | None
    reasoning: str | None


class StoredError(Schema):
    """The error of a request that failed, and those of the providers tried before."""

    message: str | None
    status: int | None
    provider_name: str | None
    raw: str | None
    previous_errors: list[dict[str, Any]]


class GenerationContentData(Schema):
    input: StoredInput
    output: StoredOutput
    error: StoredError | None


class GenerationContent(Schema):
    data: GenerationContentData


class NewFeedback(Schema):
    """Feedback on one request. The comment is stored as it is written."""

    generation_id: Annotated[str, StringConstraints(min_length=1)]
    category: Feedback.Category
    # PostgreSQL stores no NUL.
    comment: Annotated[str, StringConstraints(max_length=Feedback.COMMENT_LENGTH, pattern=r"^[^\x00]*$")] | None = None


class FeedbackReceivedData(Schema):
    success: Literal[True]


class FeedbackReceived(Schema):
    data: FeedbackReceivedData


class ActivityRow(Schema):
    """One model at one provider on one UTC day."""

    date: str
    model: str
    model_permaslug: str
    endpoint_id: str
    provider_name: str
    usage: float
    byok_usage_inference: float
    requests: int
    prompt_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    cached_tokens: int
    workspace_id: str


class Activity(Schema):
    data: list[ActivityRow]


class PresetData(Schema):
    """A preset. Requests with it fail unless its status is `active`."""

    id: str
    slug: str
    name: str
    description: str | None
    status: Literal["active", "disabled", "archived"]
    status_updated_at: datetime | None
    designated_version_id: str | None
    creator_user_id: str | None
    workspace_id: str | None
    created_at: datetime
    updated_at: datetime


class PresetVersionData(Schema):
    """One save of a preset. It never changes. `creator_id` is empty when the user is deleted."""

    id: str
    preset_id: str
    version: int
    system_prompt: str | None
    config: dict[str, Any]
    creator_id: str
    created_at: datetime
    updated_at: datetime


class PresetWithVersionData(PresetData):
    """A preset with the version that requests use."""

    designated_version: PresetVersionData | None


class Preset(Schema):
    data: PresetWithVersionData


class Presets(Schema):
    data: list[PresetData]
    total_count: int


class PresetVersion(Schema):
    data: PresetVersionData


class PresetVersions(Schema):
    data: list[PresetVersionData]
    total_count: int


class MemberData(Schema):
    """A member. The names are the first word of the member's name and the rest."""

    id: str
    email: str
    first_name: str | None
    last_name: str | None
    role: Literal["org:admin", "org:member"]


class Members(Schema):
    data: list[MemberData]
    total_count: int
