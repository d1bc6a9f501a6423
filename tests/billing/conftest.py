"""A payments sandbox of its own for these tests: a real process, reached over HTTP only."""

import hashlib
import hmac
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import stripe

from billing import spending
from billing.credits import reconciliation
from billing.models import CreditAccount, Purchase
from billing.notifications import outbox
from billing.payments import checkouts, purchases, quotes
from billing.providers.coinbase import connection
from common.money import PICO_PER_CENT
from tests.billing.auto_top_ups import *  # noqa: F403 saved cards and auto top-up
from tests.billing.usdc import *  # noqa: F403 the crypto payments sandbox

ROOT = Path(__file__).resolve().parent.parent.parent
SITE = "http://testserver"
SECRET = "whsec_local_sandbox"
KEY = ("sk_test_local_sandbox", "")


@dataclass(frozen=True)
class Sandbox:
    """The payments sandbox as a test uses it: as the buyer, as the bank, and as the source of events."""

    address: str

    def pay(self, purchase: Purchase, **choices: Any) -> Any:
        """The buyer pays on the hosted page. By default with a card that works; `card` or `type` choose others."""
        return self._post(f"/_test/sessions/{purchase.provider_session}/pay", **choices)

    def settle(self, purchase: Purchase, outcome: str) -> None:
        """The money of a slow method arrives ("succeeded") or does not ("failed")."""
        self._post(f"/_test/sessions/{purchase.provider_session}/settle", outcome=outcome)

    def expire(self, purchase: Purchase) -> None:
        """The page's time is over. (The sandbox's clock could be moved on, but never back for the next test.)"""
        answer = requests.post(
            f"{self.address}/v1/checkout/sessions/{purchase.provider_session}/expire", auth=KEY, timeout=10
        )
        answer.raise_for_status()

    def fail(self, mode: str, **how: Any) -> None:
        """The next request of the API fails: refuse, crash, drop or slow."""
        self._post("/_test/requests", mode=mode, **how)

    def session(self, purchase: Purchase) -> Any:
        return self._get(f"/v1/checkout/sessions/{purchase.provider_session}")

    def count(self, kind: str) -> int:
        """How many objects of a kind there are, e.g. "checkout/sessions"."""
        return len(self._all(kind))

    def events(self, purchase: Purchase, *types: str) -> list[dict[str, Any]]:
        """What the provider has to tell about the purchase, oldest first."""
        about = [event for event in self._all("events") if str(purchase.pk) in json.dumps(event)]
        return [event for event in reversed(about) if not types or event["type"] in types]

    def _all(self, kind: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while True:
            after = f"&starting_after={found[-1]['id']}" if found else ""
            page = self._get(f"/v1/{kind}?limit=100{after}")
            found += page["data"]
            if not page["has_more"]:
                return found

    def _get(self, path: str) -> Any:
        answer = requests.get(self.address + path, auth=KEY, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def _post(self, path: str, /, *, accepts: Collection[int] = (200, 402), **body: Any) -> Any:
        answer = requests.post(self.address + path, json=body, timeout=10)
        assert answer.status_code in accepts, answer.text
        return answer.json()


@pytest.fixture(scope="session")
def stripe_process(tmp_path_factory) -> Iterator[Sandbox]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("sandbox") / "stripe.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "sandbox.stripe", "--port", str(port)],
            cwd=ROOT, stdout=output, stderr=subprocess.STDOUT,
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                requests.get(address, timeout=1)
                break
            except requests.ConnectionError:
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.05)
        yield Sandbox(address)
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(autouse=True)
def _nobody_waits_to_ask_again(monkeypatch) -> None:
    """What a sandbox does not answer now, it does not answer in a second either."""
    monkeypatch.setattr(connection, "RETRY_DELAY", 0.01)
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.01)


@pytest.fixture
def sandbox(stripe_process: Sandbox, settings) -> Iterator[Sandbox]:
    settings.STRIPE_API_BASE = stripe_process.address
    settings.STRIPE_WEBHOOK_SECRETS = [SECRET]
    yield stripe_process
    stripe_process._post("/_test/reset")


@pytest.fixture(autouse=True)
def _prompt_worker(monkeypatch) -> None:
    """Mails are delivered as soon as they are committed."""
    monkeypatch.setattr(outbox, "ask_worker", outbox.deliver)


@pytest.fixture
def empty_account(organisation) -> CreditAccount:
    return spending.account_of(organisation)


@pytest.fixture
def purchase(sandbox, empty_account, alice) -> Purchase:
    """Alice's purchase of $10 for $10.80, its payment page open."""
    return buy(empty_account, alice)


@pytest.fixture
def bought(sandbox, empty_account, alice) -> Purchase:
    """Alice's $10, paid and credited."""
    return paid(sandbox, empty_account, alice)


def buy(account: CreditAccount, user, cents: int = 1000, *, method: str = "card", token: str = "") -> Purchase:
    return checkouts.start(
        account,
        user,
        quotes.quote(cents),
        method=Purchase.Method(method),
        form_token=token or f"a form sent at {time.monotonic_ns()}",
        site=SITE,
    )


def paid(sandbox, account, user, cents: int = 1000, **how) -> Purchase:
    """A purchase that has been paid and credited."""
    purchase = buy(account, user, cents)
    sandbox.pay(purchase, **how)
    return purchases.sync(purchase)


def spend(account: CreditAccount, *, used: int = 0, held: int = 0) -> None:
    """Requests used and hold so many cents."""
    CreditAccount.objects.filter(pk=account.pk).update(usage=used * PICO_PER_CENT, held=held * PICO_PER_CENT)


def sound() -> bool:
    """Whether billing's own sums agree. These tests spend without requests, which other checks would find."""
    return not [each for each in reconciliation.faults() if not each.problem.startswith(("usage is", "held is"))]


def credits_of(account: CreditAccount) -> int:
    """The account's credits in cents."""
    return CreditAccount.objects.get(pk=account.pk).credits // 10**10


def signature(body: bytes, *, secret: str = SECRET, at: float | None = None) -> str:
    moment = int(at if at is not None else time.time())
    digest = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={digest}"


def deliver(client, event: dict[str, Any], **signing: Any):
    """The provider delivers an event to our webhook."""
    body = json.dumps(event).encode()
    return client.post(
        "/webhooks/stripe",
        data=body,
        content_type="application/json",
        headers={"Stripe-Signature": signature(body, **signing)},
    )


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no field {name}"
    return found[1]


def form(page: str, **choices: str) -> dict[str, str]:
    """The buy form of the credits page as a browser sends it: $10 by card, unless chosen otherwise."""
    return {
        "preset": "10", "custom": "", "method": "card", "total": hidden(page, "total"), "token": hidden(page, "token"),
    } | choices  # fmt: skip


@pytest.fixture
def page(alice_client, sandbox) -> str:
    """Alice's credits page."""
    return alice_client.get("/settings/credits").content.decode()


def refunded_at_provider(sandbox: Sandbox, purchase: Purchase) -> list[int]:
    """The cents of each refund of this purchase that the provider knows."""
    return [
        refund["amount"] for refund in sandbox._get(f"/v1/refunds?payment_intent={purchase.provider_payment}")["data"]
    ]
