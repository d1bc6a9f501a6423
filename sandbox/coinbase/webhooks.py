"""Events and the endpoint that receives them.

The signature covers the time, the names and values of some headers, and the body: see `letter`.
"""

import hashlib
import hmac
import json
import time
import uuid

from sandbox.payments import deliveries
from sandbox.payments.courier import Letter
from sandbox.payments.store import Json, Store, public

SIGNED_HEADERS = ("content-type", "x-event-id", "x-event-type")
_ENDPOINT = "endpoint_command_line"


def register(store: Store, address: str, secret: str) -> None:
    """Deliver every event to this address, and to no other."""
    with store.transaction():
        endpoint = store.find(_ENDPOINT)
        if endpoint is None:
            store.insert("endpoint", {"id": _ENDPOINT, "url": address, "secret": secret})
        else:
            store.save(endpoint, url=address, secret=secret)


def emit(store: Store, name: str, checkout: Json) -> Json:
    """A new event of this type about a checkout, as it is now."""
    event = store.insert("event", {"id": str(uuid.uuid4()), "body": public(checkout) | {"eventType": name}})
    send(store, event)
    return event


def send(store: Store, event: Json) -> int:
    """Owe an event to the endpoint; to how many that is."""
    return deliveries.queue(store, event["id"], (each["id"] for each in store.all("endpoint")))


def letter(store: Store, endpoint: Json, event: Json) -> Letter:
    """The signed request to the endpoint about an event."""
    body = json.dumps(event["body"]).encode()
    headers = {
        "content-type": "application/json",
        "x-event-id": event["id"],
        "x-event-type": event["body"]["eventType"],
    }
    headers["X-Hook0-Signature"] = signature(endpoint["secret"], body, headers, int(time.time()))
    return Letter(endpoint["url"], body, headers)


def signature(secret: str, body: bytes, headers: dict[str, str], at: int) -> str:
    """The value of the `X-Hook0-Signature` header."""
    names = " ".join(SIGNED_HEADERS)
    values = ".".join(headers[name] for name in SIGNED_HEADERS)
    first = _code(secret, f"{at}.".encode() + body)
    second = _code(secret, f"{at}.{names}.{values}.".encode() + body)
    return f"t={at},v0={first},h={names},v1={second}"


def _code(secret: str, text: bytes) -> str:
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()
