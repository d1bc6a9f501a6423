"""Webhooks: who really sent them, and what they hint at.

`X-Hook0-Signature: t=<seconds>,h=<names of headers>,v1=<code>`, where the code is the HMAC-SHA256 of the time, those
names, their values and the body, joined by dots.
"""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping

from django.conf import settings

from billing.providers.types import Event, ForgedEvent

__all__ = ["read_event"]

#: A webhook older than this many seconds is a replay.
TOLERANCE = 300


def read_event(body: bytes, headers: Mapping[str, str]) -> Event:
    """The event in a webhook's raw body. ForgedEvent unless one of our secrets signed it lately."""
    signed = _verified(body, headers)
    try:
        told = json.loads(body)
        metadata = told.get("metadata") or {}
        return Event(
            # Under a header of its own, which older subscriptions call otherwise; only a signed one counts.
            id=signed.get("x-event-id") or signed.get("x-hook0-id") or hashlib.sha256(body).hexdigest(),
            type=str(told["eventType"]),
            is_live=metadata.get("mode") == "live",
            object_id=str(told["id"]),
            payment_id="",
            purchase=str(metadata.get("purchase") or ""),
            customer="",
        )
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise ForgedEvent("The body is not an event.") from error


def _verified(body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers that the signature covers, by their names in small letters."""
    parts = dict(part.split("=", 1) for part in headers.get("X-Hook0-Signature", "").split(",") if "=" in part)
    at, names, code = parts.get("t", ""), parts.get("h", ""), parts.get("v1", "")
    if not re.fullmatch(r"[0-9]{1,12}", at) or abs(time.time() - int(at)) > TOLERANCE:
        raise ForgedEvent("The signature is missing or too old.")
    covered = {name.lower(): headers.get(name, "") for name in names.split()}
    text = f"{at}.{names}.{'.'.join(covered.values())}.".encode() + body
    for secret in settings.COINBASE_WEBHOOK_SECRETS:
        expected = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
        if hmac.compare_digest(expected.encode(), code.encode()):
            return covered
    raise ForgedEvent("None of the webhook secrets fits the signature.")
