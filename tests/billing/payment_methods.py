"""The payment methods under test, with one interface to each method's sandbox.

A test that takes the fixture `payments` runs once per payment method.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from accounts.models import User
from billing.models import CreditAccount, Purchase
from billing.providers.coinbase import connection

from . import stripe_sandbox, usdc_sandbox
from .stripe_sandbox import Sandbox
from .usdc_sandbox import Crypto

__all__ = ["payments"]


@dataclass
class CardPayments:
    """Alice's purchases by card."""

    sandbox: Sandbox
    account: CreditAccount
    user: User

    provider: ClassVar = "stripe"
    fee_cents: ClassVar = 80  # of $10
    paid_with: ClassVar = "Visa ending in 4242"
    secrets_setting: ClassVar = "STRIPE_WEBHOOK_SECRETS"

    def buy(self, cents: int = 1000, *, token: str = "") -> Purchase:
        """A purchase with its payment page open."""
        return stripe_sandbox.buy(self.account, self.user, cents, token=token)

    def pay(self, purchase: Purchase) -> None:
        self.sandbox.pay(purchase)

    def expire(self, purchase: Purchase) -> None:
        self.sandbox.expire(purchase)

    def is_closed(self, purchase: Purchase) -> bool:
        """Whether the payment page is closed."""
        return bool(self.sandbox.session(purchase)["status"] == "expired")

    def pages(self) -> list[str]:
        """The ids of the payment pages of all purchases."""
        ours = _ids_of(self.account)
        sessions = self.sandbox.list_all("checkout/sessions")
        return [session["id"] for session in sessions if session["client_reference_id"] in ours]

    def fail(self, mode: str, **how: Any) -> None:
        """Let the next requests about payment pages fail."""
        self.sandbox.fail(mode, path="/v1/checkout/sessions", **how)

    def go_live(self, settings: Any) -> None:
        """Let our settings say that payments are real; the sandbox still accepts our key."""
        settings.STRIPE_IS_SANDBOX, settings.STRIPE_SECRET_KEY = False, "sk_test_local_live_"

    def refund(self, purchase: Purchase, cents: int) -> None:
        """Refund in the provider's dashboard."""
        payment = purchase.provider_payment or self.sandbox.session(purchase)["payment_intent"]
        self.sandbox.post("/_test/refunds", payment_intent=payment, amount=cents)

    def events(self, purchase: Purchase) -> list[dict[str, Any]]:
        """The events about the payment of the purchase, or about its refund."""
        payment = self.sandbox.session(purchase)["payment_intent"]
        refunds = (each for each in self.sandbox.list_events() if each["type"] == "refund.created")
        return self.sandbox.events(purchase, "checkout.session.completed") + [
            event for event in refunds if event["data"]["object"]["payment_intent"] == payment
        ]

    def deliver(self, client: Any, event: dict[str, Any] | bytes, **signing: Any) -> Any:
        """Deliver a signed event to our webhook."""
        return stripe_sandbox.deliver(client, event, **signing)


@dataclass
class UsdcPayments:
    """Alice's purchases in USDC, with the methods of CardPayments."""

    crypto: Crypto
    account: CreditAccount
    user: User

    provider: ClassVar = "coinbase"
    fee_cents: ClassVar = 50
    paid_with: ClassVar = "USDC on Base"
    secrets_setting: ClassVar = "COINBASE_WEBHOOK_SECRETS"

    def buy(self, cents: int = 1000, *, token: str = "") -> Purchase:
        return usdc_sandbox.buy_usdc(self.account, self.user, cents, token=token)

    def pay(self, purchase: Purchase) -> None:
        self.crypto.pay(purchase)

    def expire(self, purchase: Purchase) -> None:
        self.crypto.expire(purchase)

    def is_closed(self, purchase: Purchase) -> bool:
        return self.crypto.checkout(purchase)["status"] in {"DEACTIVATED", "EXPIRED"}

    def pages(self) -> list[str]:
        ours = _ids_of(self.account)
        checkouts = connection.request("GET", query={"pageSize": "100"})["checkouts"]
        return [each["id"] for each in checkouts if each["metadata"].get("purchase") in ours]

    def fail(self, mode: str, **how: Any) -> None:
        self.crypto.fail(mode, **how)

    def go_live(self, settings: Any) -> None:
        settings.COINBASE_API_KEY_ID = settings.SANDBOX_COINBASE_KEY_ID
        settings.COINBASE_API_KEY_SECRET = settings.SANDBOX_COINBASE_KEY_SECRET
        settings.COINBASE_IS_SANDBOX = False

    def refund(self, purchase: Purchase, cents: int) -> None:
        self.crypto.refund(purchase, f"{cents / 100:.2f}")

    def events(self, purchase: Purchase) -> list[dict[str, Any]]:
        refunded = bool(self.crypto.checkout(purchase).get("refunds"))
        kind = "checkout.refund.success" if refunded else "checkout.payment.success"
        return [webhook.event for webhook in self.crypto.webhooks_about(purchase, kind)]

    def deliver(self, client: Any, event: dict[str, Any] | bytes, **signing: Any) -> Any:
        event_id = "event" if isinstance(event, bytes) else f"{event['eventType']} {event['id']}"
        return usdc_sandbox.deliver(client, event, event_id=event_id, **signing)


def _ids_of(account: CreditAccount) -> set[str]:
    return {str(pk) for pk in Purchase.objects.filter(account=account).values_list("pk", flat=True)}


@pytest.fixture(params=["card", "usdc"])
def payments(request, empty_account, alice) -> CardPayments | UsdcPayments:
    if request.param == "card":
        return CardPayments(request.getfixturevalue("sandbox"), empty_account, alice)
    return UsdcPayments(request.getfixturevalue("crypto"), empty_account, alice)
