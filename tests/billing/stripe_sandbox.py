"""The payments sandbox for these tests: a process of its own, reached over HTTP."""

import hashlib
import hmac
import json
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from billing.models import CreditAccount, Purchase
from billing.payments import checkouts, quotes, sweeps
from billing.providers.registry import PROVIDERS
from tests.support import processes

__all__ = ["Sandbox", "sandbox", "stripe_process"]

SITE = "http://testserver"
SECRET = "whsec_local_sandbox"
KEY = ("sk_test_local_sandbox", "")


@dataclass
class Sandbox:
    """The sandbox from the side of the buyer, the bank and the event log."""

    address: str
    test_began: int = 0  # Unix seconds on the sandbox's clock: older events are those of other tests

    def pay(self, purchase: Purchase, **choices: Any) -> Any:
        """Pay on the hosted page, by default with a valid card; `card` or `type` choose another payment method."""
        return self.post(f"/_test/sessions/{purchase.provider_session}/pay", **choices)

    def settle(self, purchase: Purchase, outcome: str) -> None:
        """Let a delayed payment arrive ("succeeded") or fail ("failed")."""
        self.post(f"/_test/sessions/{purchase.provider_session}/settle", outcome=outcome)

    def expire(self, purchase: Purchase) -> None:
        """Expire the page. (The sandbox's clock can only move forward, which would affect later tests.)"""
        response = requests.post(
            f"{self.address}/v1/checkout/sessions/{purchase.provider_session}/expire", auth=KEY, timeout=60
        )
        response.raise_for_status()

    def fail(self, mode: str, **how: Any) -> None:
        """Let the next API request fail: "refuse", "crash", "drop" or "slow"."""
        self.post("/_test/requests", mode=mode, **how)

    def failures_left(self) -> int:
        """How many requests the current `fail` still affects."""
        return int(self.get("/_test/")["requests"][0]["count"])

    def session(self, purchase: Purchase) -> Any:
        return self.get(f"/v1/checkout/sessions/{purchase.provider_session}")

    def count(self, kind: str) -> int:
        """The number of objects of a kind, for example "checkout/sessions"."""
        return len(self.list_all(kind))

    def events(self, purchase: Purchase, *types: str) -> list[dict[str, Any]]:
        """The events about the purchase, oldest first."""
        about = [event for event in self.list_events() if str(purchase.pk) in json.dumps(event)]
        return [event for event in reversed(about) if not types or event["type"] in types]

    def event(self, kind: str, object_id: str = "") -> dict[str, Any]:
        """The newest event of this type, about this object."""
        events = (event for event in self.list_events() if event["type"] == kind)
        return next(event for event in events if object_id in {"", event["data"]["object"]["id"]})

    def list_events(self) -> list[dict[str, Any]]:
        """Every event since the test began, newest first."""
        return self.list_all("events", f"&created[gte]={self.test_began}")

    def list_all(self, kind: str, query: str = "") -> list[dict[str, Any]]:
        """Every object of a kind, newest first."""
        found: list[dict[str, Any]] = []
        while True:
            after = f"&starting_after={found[-1]['id']}" if found else ""
            page = self.get(f"/v1/{kind}?limit=100{query}{after}")
            found += page["data"]
            if not page["has_more"]:
                return found

    def get(self, path: str) -> Any:
        response = requests.get(self.address + path, auth=KEY, timeout=60)
        response.raise_for_status()
        return response.json()

    def post(self, path: str, /, *, accepts: Collection[int] = (200, 402), **body: Any) -> Any:
        response = requests.post(self.address + path, json=body, timeout=60)
        assert response.status_code in accepts, response.text
        return response.json()


@pytest.fixture(scope="session")
def stripe_process(tmp_path_factory) -> Iterator[Sandbox]:
    with processes.stripe_sandbox(tmp_path_factory.mktemp("stripe")) as address:
        yield Sandbox(address)


@pytest.fixture
def sandbox(stripe_process: Sandbox, settings, monkeypatch, db) -> Iterator[Sandbox]:
    """Stripe, for tests with a database: whatever asks Stripe gives its connection back first."""
    monkeypatch.setitem(sweeps.PROVIDERS, "stripe", PROVIDERS["stripe"])
    settings.STRIPE_API_BASE = stripe_process.address
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    yield stripe_process
    stripe_process.test_began = int(stripe_process.post("/_test/reset")["now"])


def buy(account: CreditAccount, user, cents: int = 1000, *, method: str = "card", token: str = "", **how) -> Purchase:
    """A purchase with its payment page open; `how` may say `save_card`."""
    return checkouts.start(
        account,
        user,
        quotes.quote(cents),
        method=Purchase.Method(method),
        form_token=token or f"form submitted at {time.monotonic_ns()}",
        site=SITE,
        **how,
    )


def signature(body: bytes, *, secret: str = SECRET, at: float | None = None) -> str:
    """The signature header of a webhook sent at that time."""
    moment = int(at if at is not None else time.time())
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def deliver(client, event: dict[str, Any] | bytes, **signing: Any):
    """Deliver a signed event to our webhook; bytes are sent as they are."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    return client.post(
        "/webhooks/stripe",
        data=body,
        content_type="application/json",
        headers={"Stripe-Signature": signature(body, **signing)},
    )
