"""The rows that admission and settlement read and write, as plain structs: those of the ORM take many times the CPU."""

from datetime import datetime
from typing import Any, ClassVar

import msgspec

from gateway.models import Generation

__all__ = ["GenerationRow", "HoldRow", "HourRow", "KeyRow"]


class _AskedRow(msgspec.Struct, kw_only=True, omit_defaults=True):
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


class HoldRow(_AskedRow, kw_only=True, omit_defaults=True):
    """A `Hold` on its way into the database; the fields are described there."""

    amount: int
    process_id: str


class GenerationRow(_AskedRow, kw_only=True, omit_defaults=True):
    """A `Generation` on its way into the database; the fields are described there."""

    state: str = ""
    model: str = ""
    provider: str = ""
    endpoint: str = ""
    reason: str = ""
    simulated: bool = False
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
    token_source: str = Generation.TokenSource.NONE.value
    hold: int = 0
    cost: int = 0
    write_off: int = 0
    price: dict[str, str] = {}
    discount_basis_points: int = 0
    images: int = 0
    web_search_engine: str = ""
    web_search_results: int = 0
    settled_at: datetime | None = None
    latency_ms: int | None = None
    duration_ms: int | None = None
    upstream_latency_ms: int | None = None

    def held(self, amount: int, process_id: str) -> HoldRow:
        """The row that stands for the request while it runs."""
        asked = {name: getattr(self, name) for name in _AskedRow.__struct_fields__}
        return HoldRow(**asked, amount=amount, process_id=process_id)


class KeyRow(msgspec.Struct):
    """The columns of an API key that decide about a request; settlement writes the CHANGED ones."""

    CHANGED: ClassVar = ("usage", "window_usage", "window_started_at", "last_used_at")

    id: int
    disabled: bool
    deleted_at: datetime | None
    expires_at: datetime | None
    limit: int | None
    limit_reset: str
    usage: int
    window_usage: int
    window_started_at: datetime | None
    last_used_at: datetime | None = None  # is not read


class HourRow(msgspec.Struct, omit_defaults=True):
    """What a batch adds to one `UsageHour`."""

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
    latency_ms: int = 0
    duration_ms: int = 0
