"""The rows that admission and settlement read and write: plain structs, as ORM instances take many times the CPU."""

from datetime import date, datetime
from typing import Any, ClassVar

import msgspec

from gateway.models import Generation

__all__ = [
    "BudgetRow",
    "ClassifiedDayRow",
    "GenerationRow",
    "HoldRow",
    "HourRow",
    "KeyRow",
    "MemberRow",
    "OwnKeyMonthRow",
    "SpendRow",
]


class _RequestRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The columns of a request that are known before it is served."""

    id: str
    account_id: int
    key_id: int | None = None
    user_id: int | None = None
    source: str
    requested_model: str
    streamed: bool = False
    created_at: datetime
    app: str = ""
    app_title: str = ""
    user_agent: str = ""
    external_user: str = ""
    session_id: str = ""
    preset_version_id: int = 0


class HoldRow(_RequestRow, kw_only=True, omit_defaults=True):
    """A `Hold` to insert; the model describes the fields."""

    amount: int
    process_id: str
    byok_share: int | None = None
    byok_listed: int = 0


class GenerationRow(_RequestRow, kw_only=True, omit_defaults=True):
    """A `Generation` to insert; the model describes the fields."""

    state: str = ""
    model: str = ""
    provider: str = ""
    endpoint: str = ""
    reason: str = ""
    simulated: bool = False
    provider_key_id: int = 0
    byok_key_id: int = 0
    upstream_id: str = ""
    cancelled: bool = False
    finish_reason: str = ""
    native_finish_reason: str = ""
    error_status: int | None = None
    failed_attempts: list[dict[str, Any]] = []
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    audio_tokens: int = 0
    token_source: str = Generation.TokenSource.NONE.value
    hold: int = 0
    cost: int = 0
    write_off: int = 0
    byok_cost: int = 0
    discount: int = 0
    price: dict[str, str] = {}
    discount_basis_points: int = 0
    images: int = 0
    output_images: int = 0
    output_image_tokens: int = 0
    api_type: str = Generation.ApiType.COMPLETIONS.value
    search_units: int = 0
    web_search_engine: str = ""
    web_search_results: int = 0
    response_cache_source_id: str = ""
    use: str = ""
    settled_at: datetime | None = None
    latency_ms: int | None = None
    duration_ms: int | None = None
    upstream_latency_ms: int | None = None

    def held(self, amount: int, process_id: str, byok_share: int | None = None, byok_listed: int = 0) -> HoldRow:
        """The Hold of the request while it runs, with `amount` in pico-USD; `Hold` describes the rest."""
        known = {name: getattr(self, name) for name in _RequestRow.__struct_fields__}
        return HoldRow(**known, amount=amount, process_id=process_id, byok_share=byok_share, byok_listed=byok_listed)


class KeyRow(msgspec.Struct):
    """The columns of an API key that admission and settlement read; settlement writes the CHANGED ones."""

    CHANGED: ClassVar = (
        "usage", "window_usage", "byok_usage", "window_byok_usage", "window_started_at", "last_used_at",
    )  # fmt: skip

    id: int
    disabled: bool
    deleted_at: datetime | None
    expires_at: datetime | None
    limit: int | None
    limit_reset: str
    usage: int
    window_usage: int
    window_started_at: datetime | None
    include_byok_in_limit: bool
    byok_usage: int
    window_byok_usage: int
    max_concurrent_requests: int | None
    last_used_at: datetime | None = None  # written only


class MemberRow(msgspec.Struct):
    """The spend limit of a member (pico-USD); settlement writes the CHANGED columns."""

    CHANGED: ClassVar = ("window_usage", "window_started_at")

    id: int
    account_id: int
    user_id: int
    limit: int | None
    limit_reset: str
    window_usage: int
    window_started_at: datetime | None

    @property
    def usage(self) -> int:
        """The usage that counts toward a limit that does not reset."""
        return self.window_usage


class BudgetRow(msgspec.Struct):
    """The budget of a key or member with a guardrail (pico-USD); settlement writes the CHANGED columns."""

    CHANGED: ClassVar = ("window_usage", "window_started_at")

    id: int
    account_id: int
    key_id: int | None
    user_id: int | None
    guardrail: str  # its name
    limit: int | None
    limit_reset: str
    window_usage: int
    window_started_at: datetime | None
    include_byok: bool  # whether list prices on own provider keys count toward it

    @property
    def usage(self) -> int:
        """The usage that counts toward a budget that does not reset."""
        return self.window_usage


class HourRow(msgspec.Struct, omit_defaults=True):
    """The sums that a batch adds to one `UsageHour`; IDENTITY are the columns of its unique constraint."""

    IDENTITY: ClassVar = ("account_id", "hour", "key_id", "user_id", "model", "provider", "app", "source")

    account_id: int
    hour: datetime
    key_id: int
    user_id: int
    model: str
    provider: str
    app: str
    source: str
    requests: int = 0
    failures: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    cost: int = 0
    byok_cost: int = 0
    discount: int = 0
    latency_ms: int = 0
    duration_ms: int = 0


class ClassifiedDayRow(msgspec.Struct):
    """The sums that a batch adds to one `ClassifiedDay`; IDENTITY are the columns of its unique constraint."""

    IDENTITY: ClassVar = ("account_id", "day", "app", "model", "use")

    account_id: int
    day: date
    app: str
    model: str
    use: str
    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0


class SpendRow(msgspec.Struct, omit_defaults=True):
    """The sums that a batch adds to one `ProviderSpend`; IDENTITY are the columns of its unique constraint."""

    IDENTITY: ClassVar = ("provider", "provider_key_id", "process_id")

    provider: str
    provider_key_id: int
    process_id: str
    requests: int = 0
    cost: int = 0


class OwnKeyMonthRow(msgspec.Struct):
    """The sums that a batch adds to one `OwnKeyMonth`, or those that it holds; IDENTITY is its unique constraint."""

    IDENTITY: ClassVar = ("account_id", "month")

    account_id: int
    month: str
    requests: int = 0
    listed: int = 0
    free_requests: int = 0
    free_listed: int = 0
