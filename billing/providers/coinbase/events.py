"""Webhooks: verifying their signature and reading which checkout they concern.

`X-Hook0-Signature: t=<seconds>,h=<header names>,v1=<code>`. The code is the HMAC-SHA256 of the time, the header
names, the values of those headers and the body, joined by dots.
"""

import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping

from django.conf import settings

from billing.providers.types import InvalidSignature, WebhookEvent

__all__ = ["read_event"]

#: Maximum age of a webhook in seconds; an older one may be a replay.
TOLERANCE = 300


def read_event(body: bytes, headers: Mapping[str, str]) -> WebhookEvent:
    """The event in a webhook's raw body. InvalidSignature unless one of our secrets signed it recently."""
    signed_headers = _verify(body, headers)
    try:
        content = json.loads(body)
        metadata = content.get("metadata") or {}
        return WebhookEvent(
            # Older subscriptions name the header differently. An unsigned header could be forged, so it is ignored.
            id=signed_headers.get("x-event-id") or signed_headers.get("x-hook0-id") or hashlib.sha256(body).hexdigest(),
            type=str(content["eventType"]),
            is_live=metadata.get("mode") == "live",
            object_id=str(content["id"]),
            payment_id="",
            purchase_id=str(metadata.get("purchase") or ""),
            customer_id="",
        )
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise InvalidSignature("The body is not an event.") from error


def _verify(body: bytes, headers: Mapping[str, str]) -> dict[str, str]:
    """The headers covered by the signature, with their names in lower case. Raises InvalidSignature."""
    parts = dict(part.split("=", 1) for part in headers.get("X-Hook0-Signature", "").split(",") if "=" in part)
    timestamp, names, code = parts.get("t", ""), parts.get("h", ""), parts.get("v1", "")
    if not re.fullmatch(r"[0-9]{1,12}", timestamp) or abs(time.time() - int(timestamp)) > TOLERANCE:
        raise InvalidSignature("The signature is missing or too old.")
    covered = {name.lower(): headers.get(name, "") for name in names.split()}
    text = f"{timestamp}.{names}.{'.'.join(covered.values())}.".encode() + body
    for secret in settings.COINBASE_WEBHOOK_SECRETS:
        expected = hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
        if hmac.compare_digest(expected.encode(), code.encode()):
            return covered
    raise InvalidSignature("The signature matches none of the webhook secrets.")
