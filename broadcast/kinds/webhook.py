"""A webhook: the same JSON as for OpenTelemetry, signed as Standard Webhooks describes it.

The signature is an HMAC with SHA-256 over "id.timestamp.body", in base64 after "v1,".
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from broadcast.payloads.events import Event, batch_id
from broadcast.sending import Outgoing
from common.errors import InvalidRequest

from .kind import Config, Kind, batch_body, checked_headers, checked_url, masked_headers

__all__ = ["KIND", "SECRET", "new_secret", "signature"]

#: The name of the signing secret in a configuration. Customers can't set it.
SECRET = "signing_secret"  # noqa: S105 a name
METHODS = ("POST", "PUT")
_PREFIX = "whsec_"


def new_secret() -> str:
    """Return a random signing secret: a prefix, and 32 bytes in base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return the value of the header `webhook-signature`."""
    key = base64.b64decode(secret.removeprefix(_PREFIX))
    digest = hmac.new(key, f"{message_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def _checked(given: Mapping[str, Any]) -> Config:
    method = given.get("method") or "POST"
    if method not in METHODS:
        raise InvalidRequest("method: choose POST or PUT.")
    return {
        "url": checked_url(given.get("url"), "url"),
        "method": method,
        "headers": checked_headers(given.get("headers"), reserved="webhook-"),
    }


def _public(config: Config) -> Config:
    return {"url": config["url"], "method": config["method"], "headers": masked_headers(config)}


def _outgoing(config: Config, events: Sequence[Event], now: datetime) -> Outgoing:
    body, message_id, timestamp = batch_body(events), f"msg_{batch_id(events)}", int(now.timestamp())
    headers = {
        "Content-Type": "application/json",
        **config["headers"],
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": signature(config[SECRET], message_id, timestamp, body),
    }
    return Outgoing(config["method"], config["url"], headers, body)


KIND = Kind(checked=_checked, public=_public, outgoing=_outgoing)
