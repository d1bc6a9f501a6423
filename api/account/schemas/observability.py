"""JSON shapes of broadcast destinations."""

from datetime import datetime
from typing import Any

from ninja import Schema

__all__ = ["CreatedDestination", "Deleted", "Destination", "DestinationTest", "Destinations"]


class DestinationData(Schema):
    """A destination of usage events. Secrets in `config` are masked.

    `api_key_hashes` that are null allow all requests. `paused_at` is set when sending kept failing. `filter_rules` are
    not supported and always null.
    """

    id: str
    workspace_id: str
    type: str
    name: str
    enabled: bool
    config: dict[str, Any]
    sampling_rate: float
    api_key_hashes: list[str] | None
    filter_rules: None
    privacy_mode: bool
    broadcast_generation_cost: bool
    broadcast_generation_identity: bool
    broadcast_generation_request_context: bool
    paused_at: datetime | None
    events_sent: int
    events_dropped: int
    created_at: datetime
    updated_at: datetime


class Destination(Schema):
    data: DestinationData


class CreatedDestination(Destination):
    """`signing_secret` is there for a webhook. It can't be read again."""

    signing_secret: str | None = None


class Destinations(Schema):
    data: list[DestinationData]
    total_count: int


class DestinationTest(Schema):
    """The result of a test. `message` says what went wrong, and is null if the sample event was accepted."""

    accepted: bool
    message: str | None


class Deleted(Schema):
    deleted: bool
