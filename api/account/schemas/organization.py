"""JSON shapes of credits, activity and members."""

from typing import Literal

from ninja import Schema

__all__ = ["Activity", "Credits", "Members"]


class Totals(Schema):
    """Dollars, exact to twelve decimals. The balance is the difference."""

    total_credits: float
    total_usage: float


class Credits(Schema):
    data: Totals


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
