"""A webhook: the same JSON as for OpenTelemetry, signed as Standard Webhooks describes it.

A signature is an HMAC with SHA-256 over "id.timestamp.body", in base64 after "v1,". For a day after a renewal, requests
are signed with the old secret as well, so that the receiver can be changed in the meantime.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from broadcast.payloads.events import Event, batch_id
from broadcast.sending import Outgoing
from common.errors import InvalidRequest

from .kind import Config, Kind, batch_body, checked_headers, checked_url, masked_headers

__all__ = [
    "KIND",
    "OVERLAP_HOURS",
    "SECRET",
    "SIGNING",
    "new_secret",
    "old_secrets_end_at",
    "signature",
    "with_new_secret",
    "without_old_secrets",
]

#: The names of the signing secret and of the old ones in a configuration. Customers can't set them.
SECRET, OLD_SECRETS = SIGNING = ("signing_secret", "old_signing_secrets")
#: Hours for which an old secret is used beside the new one.
OVERLAP_HOURS = 24
#: Old secrets that are used at the same time. The oldest ones go first.
MAX_OLD_SECRETS = 4
METHODS = ("POST", "PUT")
_PREFIX = "whsec_"


def new_secret() -> str:
    """Return a random signing secret: a prefix, and 32 bytes in base64."""
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def with_new_secret(config: Config, now: datetime) -> Config:
    """Return the configuration with a new secret, and the present one among the old ones."""
    old = {"secret": config[SECRET], "until": int((now + timedelta(hours=OVERLAP_HOURS)).timestamp())}
    return {**config, SECRET: new_secret(), OLD_SECRETS: [old, *_old_secrets(config, now)][:MAX_OLD_SECRETS]}


def without_old_secrets(config: Config) -> Config:
    """Return the configuration with the newest secret only."""
    return {name: value for name, value in config.items() if name != OLD_SECRETS}


def old_secrets_end_at(config: Config, now: datetime) -> datetime | None:
    """Return when the last old secret stops being used, in UTC; None if there is none."""
    ends = [each["until"] for each in _old_secrets(config, now)]
    return datetime.fromtimestamp(max(ends), UTC) if ends else None


def _old_secrets(config: Config, now: datetime) -> list[dict[str, Any]]:
    """Return the old secrets that are still used, newest first, each with the second of its end."""
    return [each for each in config.get(OLD_SECRETS, ()) if now.timestamp() < each["until"]]


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """Return one signature of the header `webhook-signature`."""
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
    secrets_now = [config[SECRET], *(each["secret"] for each in _old_secrets(config, now))]
    headers = {
        "Content-Type": "application/json",
        **config["headers"],
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(each, message_id, timestamp, body) for each in secrets_now),
    }
    return Outgoing(config["method"], config["url"], headers, body)


KIND = Kind(checked=_checked, public=_public, outgoing=_outgoing)
