"""The payment providers, the payment methods each one handles, and the operations each one supports.

Code that handles any purchase looks up the provider here. Features of a single provider (saved cards, disputes,
refunds on request) are called on its own gateway.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from billing.models import Purchase

from . import coinbase, stripe
from .types import Payment, ProviderRefund

__all__ = ["PROVIDERS", "Gateway", "Provider", "offered_methods", "provider_name", "provider_of"]

Method = Purchase.Method

_PROVIDER_NAMES = {
    Method.CARD: "stripe",
    Method.ALIPAY: "stripe",
    Method.PAYPAL: "stripe",
    Method.USDC: "coinbase",
}


class Gateway(Protocol):
    """The operations that every gateway supports. All of them raise ProviderError when the call fails."""

    def is_configured(self) -> bool: ...
    def is_live(self) -> bool: ...
    def fetch_checkout(self, checkout_id: str, /) -> Payment: ...
    def expire_checkout(self, checkout_id: str, /) -> None: ...
    def paid_since(self, moment: datetime, /) -> Iterator[Payment]: ...
    def refunds_of(self, payment_id: str, /) -> list[ProviderRefund]: ...
    def refunded_since(self, moment: datetime, /) -> Iterator[ProviderRefund]: ...


@dataclass(frozen=True)
class Provider:
    """A payment provider."""

    gateway: Gateway
    currency: str  # the currency of a valid payment, as the gateway names it
    supports_refunds: bool  # whether buyers and operators can request refunds
    supports_disputes: bool
    lookback: timedelta  # how far back to list payments and refunds that may have been missed


PROVIDERS = {
    # Idempotency keys live for a day; the extra hours cost little.
    "stripe": Provider(stripe, "usd", True, True, timedelta(hours=26)),
    # A payment sent to an expired checkout may take days to be detected and confirmed.
    "coinbase": Provider(coinbase, "base usdc", False, False, timedelta(days=7)),
}


def provider_of(purchase: Purchase) -> Provider:
    """The provider that handles the purchase."""
    return PROVIDERS[purchase.provider]


def provider_name(method: str) -> str:
    """The name of the provider that handles a payment method; its fee applies."""
    return _PROVIDER_NAMES[Method(method)]


def offered_methods() -> list[tuple[str, str]]:
    """The payment methods available now, as (value, label) choices for a form."""
    return [(str(value), label) for value, label in Method.choices if _is_offered(Method(value))]


def _is_offered(method: Purchase.Method) -> bool:
    if not PROVIDERS[provider_name(method)].gateway.is_configured():
        return False
    # Stripe opens PayPal to the accounts of some countries only.
    return method != Method.PAYPAL or stripe.offers("paypal")
