"""OpenTelemetry: OTLP over HTTP with JSON, as collectors and most observability platforms take it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from yarl import URL

from broadcast.payloads.events import Event
from broadcast.sending import Outgoing

from .kind import Config, Kind, batch_body, checked_headers, checked_url, masked_headers

__all__ = ["KIND"]

#: The path of traces, for an endpoint that names none.
PATH = "/v1/traces"


def _checked(given: Mapping[str, Any]) -> Config:
    endpoint = URL(checked_url(given.get("endpoint"), "endpoint"), encoded=True)
    if endpoint.path in {"", "/"}:
        endpoint = endpoint.with_path(PATH, keep_query=True)
    return {"endpoint": str(endpoint), "headers": checked_headers(given.get("headers"))}


def _public(config: Config) -> Config:
    return {"endpoint": config["endpoint"], "headers": masked_headers(config)}


def _outgoing(config: Config, events: Sequence[Event], now: datetime) -> Outgoing:
    headers = {"Content-Type": "application/json", **config["headers"]}
    return Outgoing("POST", config["endpoint"], headers, batch_body(events))


KIND = Kind(checked=_checked, public=_public, outgoing=_outgoing)
