"""The crypto payments sandbox for these tests: a real process, its webhooks caught as they were signed."""

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
from billing.payments import checkouts, quotes
from billing.providers.coinbase.connection import request
from tests.processes import coinbase_sandbox, wait_until

__all__ = ["Crypto", "Letter", "buy_usdc", "coinbase_process", "crypto", "usdc_purchase"]

#: Where buyers are sent back to: an address that the sandbox accepts.
SITE = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Letter:
    """A webhook as the provider sent it."""

    headers: dict[str, str]
    body: bytes

    @property
    def told(self) -> dict[str, Any]:
        return json.loads(self.body)

    def deliver(self, client, *, body: bytes | None = None, **changed: str):
        """Hand it to our webhook; `changed` headers have `_` for `-`."""
        headers = self.headers | {name.replace("_", "-"): value for name, value in changed.items()}
        kind = headers.pop("content-type")
        return client.post(
            "/webhooks/coinbase", data=self.body if body is None else body, content_type=kind, headers=headers
        )


@dataclass
class Crypto:
    """The sandbox as a test uses it: as the buyer, as the chain, and as the source of webhooks."""

    address: str
    letters: list[Letter] = field(default_factory=list)

    def pay(self, purchase: Purchase, **how: Any) -> None:
        """The buyer pays; `later` leaves it to be confirmed, `received` is what arrives instead."""
        self.control(f"checkouts/{purchase.provider_session}/pay", **how)

    def confirm(self, purchase: Purchase, **how: Any) -> None:
        """The chain confirms, even after the page has closed."""
        self.control(f"checkouts/{purchase.provider_session}/confirm", **how)

    def expire(self, purchase: Purchase) -> None:
        self.control(f"checkouts/{purchase.provider_session}/expire")

    def fail_payment(self, purchase: Purchase) -> None:
        self.control(f"checkouts/{purchase.provider_session}/fail")

    def fail(self, mode: str, **how: Any) -> None:
        """The next request of the API fails: refuse, crash, drop or slow."""
        self.control("requests", **{"mode": mode, "path": "/api/v1/", **how})

    def checkout(self, purchase: Purchase) -> Any:
        return request("GET", f"/{purchase.provider_session}")

    def refund(self, purchase: Purchase, amount: str) -> str:
        """Somebody refunds in the provider's dashboard; the refund's id."""
        sent = request("POST", f"/{purchase.provider_session}/refund", body={"amount": amount, "currency": "USDC"})
        return str(sent["refund"]["id"])

    def about(self, purchase: Purchase, *types: str) -> list[Letter]:
        """The webhooks about a purchase, once one of each of these types has come."""

        def found() -> list[Letter]:
            return [letter for letter in list(self.letters) if letter.told["id"] == purchase.provider_session]

        wait_until(lambda: set(types) <= {letter.told["eventType"] for letter in found()}, f"{types}", patience_s=15)
        return found()

    def control(self, what: str, **body: Any) -> Any:
        answer = requests.post(f"{self.address}/_test/{what}", json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        return answer.json()


class Catcher(ThreadingHTTPServer):
    """Accepts every webhook and keeps it."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.letters: list[Letter] = []


class _Handler(BaseHTTPRequestHandler):
    server: Catcher

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        kept = ("content-type", "x-event-id", "x-event-type", "X-Hook0-Signature")
        self.server.letters.append(Letter({name: self.headers[name] for name in kept}, body))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="session")
def coinbase_process(tmp_path_factory) -> Iterator[Crypto]:
    catcher = Catcher()
    threading.Thread(target=catcher.serve_forever, daemon=True).start()
    options = ("--webhook-url", f"http://127.0.0.1:{catcher.server_port}/", "--webhook-secret", "local_sandbox")
    with coinbase_sandbox(tmp_path_factory.mktemp("coinbase"), *options) as address:
        yield Crypto(address, catcher.letters)
    catcher.shutdown()
    catcher.server_close()


@pytest.fixture
def crypto(coinbase_process: Crypto, settings) -> Iterator[Crypto]:
    settings.COINBASE_API_BASE = f"{coinbase_process.address}/api/v1"
    yield coinbase_process
    coinbase_process.control("reset")


@pytest.fixture
def usdc_purchase(crypto, empty_account, alice) -> Purchase:
    """Alice's purchase of $10 for 10.50 USDC, its payment page open."""
    return buy_usdc(empty_account, alice)


def buy_usdc(account: CreditAccount, user, cents: int = 1000, *, token: str = "") -> Purchase:
    return checkouts.start(
        account,
        user,
        quotes.quote(cents, "coinbase"),
        method=Purchase.Method.USDC,
        form_token=token or f"a form sent at {time.monotonic_ns()}",
        site=SITE,
    )
