"""JSON shapes of guardrails and their assignments."""

from datetime import datetime
from uuid import UUID

from ninja import Schema

__all__ = [
    "AssignedCount",
    "Deleted",
    "Guardrail",
    "Guardrails",
    "KeyAssignments",
    "MemberAssignments",
    "UnassignedCount",
]


class GuardrailData(Schema):
    """A list that is null restricts nothing. `limit_usd` is the budget of each assigned key and member."""

    id: UUID
    workspace_id: str
    name: str
    description: str | None
    limit_usd: float | None
    reset_interval: str | None
    include_byok_in_budgets: bool
    allowed_models: list[str] | None
    ignored_models: list[str] | None
    allowed_providers: list[str] | None
    ignored_providers: list[str] | None
    enforce_zdr: bool | None
    enforce_zdr_anthropic: bool | None
    enforce_zdr_openai: bool | None
    enforce_zdr_google: bool | None
    enforce_zdr_xai: bool | None
    enforce_zdr_other: bool | None
    enable_paid_model_training: bool | None
    enable_free_model_training: bool | None
    enable_free_model_publication: bool | None
    content_filters: list[dict[str, str]] | None
    content_filter_builtins: list[dict[str, str]] | None
    created_at: datetime
    updated_at: datetime | None


class Guardrail(Schema):
    data: GuardrailData


class Guardrails(Schema):
    data: list[GuardrailData]
    total_count: int


class Deleted(Schema):
    deleted: bool


class _Assignment(Schema):
    id: UUID
    guardrail_id: UUID
    assigned_by: str | None
    created_at: datetime


class KeyAssignment(_Assignment):
    key_hash: str
    key_name: str
    key_label: str


class MemberAssignment(_Assignment):
    """`organization_id` is the account's ID, also if it is a personal one."""

    user_id: str
    organization_id: str


class KeyAssignments(Schema):
    data: list[KeyAssignment]
    total_count: int


class MemberAssignments(Schema):
    data: list[MemberAssignment]
    total_count: int


class AssignedCount(Schema):
    """The number of different keys or members of the request: all of them have the guardrail now."""

    assigned_count: int


class UnassignedCount(Schema):
    """The number of keys or members that had the guardrail."""

    unassigned_count: int
