"""Webhook endpoints and the deliveries they are owed.

An event is owed to every endpoint that subscribed to its type; each delivery is signed with the endpoint's secret.
"""

import hashlib
import hmac
import json
import time

from sandbox.payments import deliveries
from sandbox.payments.courier import Letter
from sandbox.payments.store import Store as PlainStore

from . import ids
from .calls.parameters import EXPAND, Rules, required, several, text, url
from .errors import Json
from .store import Store, public

CREATE: Rules = EXPAND | {"enabled_events": required(several(text())), "url": required(url())}

# --- Endpoints ------------------------------------------------------------------------------------------


def create(store: Store, given: Json) -> Json:
    """A new endpoint. Its signing secret is in this answer and in no later one."""
    endpoint = _add(store, given, "whsec_" + ids.random_text(32))
    return {**endpoint, "secret": endpoint["_secret"]}


def delete(store: Store, given: Json, identifier: str) -> Json:
    """Ends deliveries to this endpoint, due ones included."""
    store.get(identifier, "webhook_endpoint")
    store.remove(identifier)
    deliveries.withdraw(store, endpoint=identifier)
    return {"id": identifier, "object": "webhook_endpoint", "deleted": True}


def register(store: Store, address: str, secret: str) -> None:
    """Make sure that exactly one endpoint of the command line exists, with this address and secret."""
    with store.transaction():
        mine = store.all("webhook_endpoint", "AND json_extract(body, '$._registered') = 1")
        if mine:
            store.save(mine[0], url=address, _secret=secret, status="enabled")
            return
        endpoint = _add(store, {"url": address, "enabled_events": ["*"]}, secret)
        store.save(endpoint, _registered=True)


def _add(store: Store, given: Json, secret: str) -> Json:
    return store.add(
        "we",
        "webhook_endpoint",
        {
            "api_version": None,
            "application": None,
            "description": None,
            "enabled_events": given["enabled_events"],
            "metadata": {},
            "status": "enabled",
            "url": given["url"],
            "_secret": secret,
        },
    )


# --- Deliveries -----------------------------------------------------------------------------------------


def queue(store: Store, event: Json) -> int:
    """Owe an event to every endpoint that subscribed to its type. Returns their number."""
    endpoints = reversed(store.all("webhook_endpoint"))
    return deliveries.queue(store, event["id"], (each["id"] for each in endpoints if _wants(each, event["type"])))


def _wants(endpoint: Json, name: str) -> bool:
    return "*" in endpoint["enabled_events"] or name in endpoint["enabled_events"]


def letter(store: PlainStore, endpoint: Json, event: Json) -> Letter:
    """The signed request to an endpoint about an event."""
    owed = deliveries.pending(store, event["id"])
    body = json.dumps(public(event) | {"pending_webhooks": owed}, indent=2).encode()
    headers = {
        "Content-Type": "application/json; charset=utf-8",
        "User-Agent": "Stripe/1.0 (sandbox)",
        # The receiver compares this with its own clock, not with the sandbox's.
        "Stripe-Signature": signature(endpoint["_secret"], body, int(time.time())),
    }
    return Letter(endpoint["url"], body, headers)


def signature(secret: str, body: bytes, at: int) -> str:
    """The value of the `Stripe-Signature` header: HMAC-SHA256 over the time and the body."""
    code = hmac.new(secret.encode(), b"%d." % at + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={code}"
