"""Optional error reports to Sentry, or a server that speaks its protocol. Off without SENTRY_DSN.

A report is built anew from the few fields named here. It says which error was raised where, in which request, task,
account and model; never what was in the request: no bodies, headers, cookies, queries or variables, no messages of
errors (they may quote a prompt), no arguments of log lines or tasks.
"""

import logging
from typing import Any

import sentry_sdk
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.types import Event, Hint

from common.telemetry import logs

__all__ = ["scrub", "start"]

_KEPT = ("event_id", "timestamp", "platform", "level", "logger", "release", "environment", "server_name", "sdk")
_KEPT_OF_FRAME = ("filename", "abs_path", "function", "module", "lineno", "in_app")


def start(dsn: str, *, release: str, environment: str, **options: Any) -> None:
    """Report errors that are logged, from now on."""
    sentry_sdk.init(
        dsn=dsn,
        release=release,
        environment=environment,
        # Errors are logged once, wherever they happen: other integrations would only add what `scrub` removes.
        default_integrations=False,
        integrations=[LoggingIntegration(level=None, event_level=logging.ERROR)],
        before_send=scrub,
        before_breadcrumb=lambda crumb, hint: None,
        include_local_variables=False,
        include_source_context=False,
        send_default_pii=False,
        max_request_body_size="never",
        traces_sample_rate=None,
        send_client_reports=False,
        auto_session_tracking=False,
        **options,
    )


def scrub(event: Event, hint: Hint) -> Event:
    """Return a new event with the fields that hold no content."""
    kept: dict[str, Any] = {name: event[name] for name in _KEPT if name in event}  # type: ignore[literal-required]
    kept["tags"] = {name: str(value) for name, value in logs.fields().items()}
    if template := (event.get("logentry") or {}).get("message"):
        kept["logentry"] = {"message": template}  # without its arguments
    if exceptions := (event.get("exception") or {}).get("values"):
        kept["exception"] = {"values": [_exception(each) for each in exceptions]}
    return kept  # type: ignore[return-value]


def _exception(value: dict[str, Any]) -> dict[str, Any]:
    frames = (value.get("stacktrace") or {}).get("frames") or []
    kept = [{name: frame[name] for name in _KEPT_OF_FRAME if name in frame} for frame in frames]
    return {"type": value.get("type"), "module": value.get("module"), "stacktrace": {"frames": kept}}
