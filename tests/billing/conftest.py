"""Fixtures and helpers for tests of money, with real payment sandboxes behind them."""

import re

import pytest
import stripe

from billing import spending
from billing.credits import reconciliation
from billing.models import CreditAccount, Purchase
from billing.notifications import outbox
from billing.payments import purchases, sweeps
from billing.providers.coinbase import connection
from common.money import PICO_PER_CENT
from tests.billing.auto_top_ups import *  # noqa: F403 fixtures
from tests.billing.payment_methods import *  # noqa: F403 fixtures
from tests.billing.stripe_sandbox import Sandbox, buy, deliver, sandbox
from tests.billing.usdc_sandbox import *  # noqa: F403 fixtures

__all__ = ["buy", "deliver", "sandbox"]


@pytest.fixture(autouse=True)
def _no_retry_delays(monkeypatch) -> None:
    """A failure that a sandbox simulates does not pass by waiting."""
    monkeypatch.setattr(connection, "RETRY_DELAY", 0.01)
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0.01)


@pytest.fixture(autouse=True)
def _running_providers(monkeypatch) -> None:
    """Sweeps ask the providers whose sandbox runs: `sandbox` and `crypto` add theirs."""
    monkeypatch.setattr(sweeps, "PROVIDERS", {})


@pytest.fixture(autouse=True)
def _prompt_worker(monkeypatch) -> None:
    """Emails are sent as soon as they are committed."""
    monkeypatch.setattr(outbox, "wake_worker", outbox.deliver)


@pytest.fixture
def empty_account(organisation) -> CreditAccount:
    return spending.account_of(organisation)


@pytest.fixture
def purchase(sandbox, empty_account, alice) -> Purchase:
    """Alice's purchase of $10 for $10.80, with its payment page open."""
    return buy(empty_account, alice)


@pytest.fixture
def bought(sandbox, empty_account, alice) -> Purchase:
    """Alice's purchase of $10, paid and credited."""
    return paid(sandbox, empty_account, alice)


def paid(sandbox: Sandbox, account, user, cents: int = 1000, **how) -> Purchase:
    """A purchase, paid and credited."""
    purchase = buy(account, user, cents)
    sandbox.pay(purchase, **how)
    return purchases.sync(purchase)


def spend(account: CreditAccount, *, used: int = 0, held: int = 0) -> None:
    """Set the cents that requests have used and put on hold."""
    CreditAccount.objects.filter(pk=account.pk).update(usage=used * PICO_PER_CENT, held=held * PICO_PER_CENT)


def sound() -> bool:
    """Whether billing's own checks find no fault. `spend` creates no requests, so checks of usage and holds fail."""
    return not [each for each in reconciliation.faults() if not each.problem.startswith(("usage is", "held is"))]


def credits_of(account: CreditAccount) -> int:
    """The account's credits in cents."""
    return CreditAccount.objects.get(pk=account.pk).credits // PICO_PER_CENT


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no field {name}"
    return found[1]


def form(page: str, **choices: str) -> dict[str, str]:
    """The buy form of the credits page as a browser submits it; by default $10 by card."""
    return {
        "preset": "10", "custom": "", "method": "card", "total": hidden(page, "total"), "token": hidden(page, "token"),
    } | choices  # fmt: skip


@pytest.fixture
def page(alice_client, sandbox) -> str:
    """Alice's credits page."""
    return alice_client.get("/settings/credits").content.decode()


def refunded_at_provider(sandbox: Sandbox, purchase: Purchase) -> list[int]:
    """The cents of each refund of this purchase at the provider."""
    refunds = sandbox.get(f"/v1/refunds?payment_intent={purchase.provider_payment}")["data"]
    return [refund["amount"] for refund in refunds]
