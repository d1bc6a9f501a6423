"""The USDC payments sandbox for these tests: a process of its own, with its webhooks caught on their way."""

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import requests

from billing.models import CreditAccount, Purchase
from billing.payments import checkouts, quotes, sweeps
from billing.providers.coinbase.connection import request
from billing.providers.registry import PROVIDERS
from tests.support.processes import coinbase_sandbox, wait_until

__all__ = ["Crypto", "Webhook", "crypto", "usdc_purchase"]

SECRET = "local_sandbox"
#: The address of our site, which the sandbox accepts for redirects.
SITE = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Webhook:
    """A webhook as the provider sent it."""

    headers: dict[str, str]
    body: bytes

    @property
    def event(self) -> dict[str, Any]:
        return json.loads(self.body)

    def deliver(self, client, *, body: bytes | None = None, **changed: str):
        """Deliver it to our webhook, with changed headers (written with `_` for `-`) or another body."""
        headers = self.headers | {name.replace("_", "-"): value for name, value in changed.items()}
        content_type = headers.pop("content-type")
        return client.post(
            "/webhooks/coinbase",
            data=self.body if body is None else body,
            content_type=content_type,
            headers=headers,
        )


@dataclass
class Crypto:
    """The sandbox from the side of the buyer, the blockchain and the webhooks."""

    address: str
    webhooks: list[Webhook] = field(default_factory=list)

    def pay(self, purchase: Purchase, **how: Any) -> None:
        """Pay; `later` leaves the payment unconfirmed, `received` is the amount that arrives instead."""
        self.control(f"checkouts/{purchase.provider_session}/pay", **how)

    def confirm(self, purchase: Purchase, **how: Any) -> None:
        """Confirm the payment on the blockchain, even after the page has closed."""
        self.control(f"checkouts/{purchase.provider_session}/confirm", **how)

    def expire(self, purchase: Purchase) -> None:
        self.control(f"checkouts/{purchase.provider_session}/expire")

    def fail_payment(self, purchase: Purchase) -> None:
        self.control(f"checkouts/{purchase.provider_session}/fail")

    def fail(self, mode: str, **how: Any) -> None:
        """Let the next API request fail: "refuse", "crash", "drop" or "slow"."""
        self.control("requests", **{"mode": mode, "path": "/api/v1/", **how})

    def checkout(self, purchase: Purchase) -> Any:
        return request("GET", f"/{purchase.provider_session}")

    def refund(self, purchase: Purchase, amount: str) -> None:
        """Refund an amount in the provider's dashboard, and let it succeed."""
        body = {"amount": amount, "currency": "USDC"}
        request("POST", f"/{purchase.provider_session}/refund", body=body)
        self.control("clock", seconds=3)

    def webhooks_about(self, purchase: Purchase, *types: str) -> list[Webhook]:
        """The webhooks about a purchase, once one of each of these types has arrived."""

        def found() -> list[Webhook]:
            return [webhook for webhook in list(self.webhooks) if webhook.event["id"] == purchase.provider_session]

        wait_until(lambda: set(types) <= {each.event["eventType"] for each in found()}, f"{types}")
        return found()

    def control(self, what: str, **body: Any) -> Any:
        response = requests.post(f"{self.address}/_test/{what}", json=body, timeout=60)
        assert response.status_code == 200, response.text
        return response.json()


class Catcher(ThreadingHTTPServer):
    """Accepts and records every webhook."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.webhooks: list[Webhook] = []


class _Handler(BaseHTTPRequestHandler):
    server: Catcher

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        names = ("content-type", "x-event-id", "x-event-type", "X-Hook0-Signature")
        self.server.webhooks.append(Webhook({name: self.headers[name] for name in names}, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="session")
def coinbase_process(tmp_path_factory) -> Iterator[Crypto]:
    catcher = Catcher()
    threading.Thread(target=catcher.serve_forever, daemon=True).start()
    options = ("--webhook-url", f"http://127.0.0.1:{catcher.server_port}/", "--webhook-secret", SECRET)
    with coinbase_sandbox(tmp_path_factory.mktemp("coinbase"), *options) as address:
        yield Crypto(address, catcher.webhooks)
    catcher.shutdown()
    catcher.server_close()


@pytest.fixture
def crypto(coinbase_process: Crypto, settings, monkeypatch) -> Iterator[Crypto]:
    monkeypatch.setitem(sweeps.PROVIDERS, "coinbase", PROVIDERS["coinbase"])
    settings.COINBASE_API_BASE = f"{coinbase_process.address}/api/v1"
    yield coinbase_process
    coinbase_process.control("reset")


@pytest.fixture
def usdc_purchase(crypto, empty_account, alice) -> Purchase:
    """Alice's purchase of $10 for 10.50 USDC, with its payment page open."""
    return buy_usdc(empty_account, alice)


def buy_usdc(account: CreditAccount, user, cents: int = 1000, *, token: str = "") -> Purchase:
    """A purchase with its payment page open."""
    return checkouts.start(
        account,
        user,
        quotes.quote(cents, "coinbase"),
        method=Purchase.Method.USDC,
        form_token=token or f"form submitted at {time.monotonic_ns()}",
        site=SITE,
    )


def signature(body: bytes, headers: dict[str, str], *, secret: str = SECRET, ago: int = 0) -> str:
    """The signature header over these headers, as sent that many seconds ago."""
    moment = int(time.time()) - ago
    names = " ".join(headers)
    text = f"{moment}.{names}.{'.'.join(headers.values())}.".encode() + body
    return f"t={moment},v0=ignored,h={names},v1={hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()}"


def deliver(client, event: object, *, event_id: str = "event", **signing: Any):
    """Deliver a signed event to our webhook; bytes are sent as they are."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    headers = {"content-type": "application/json", "x-event-id": event_id}
    return Webhook(headers | {"X-Hook0-Signature": signature(body, headers, **signing)}, body).deliver(client)
