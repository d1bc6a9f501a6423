"""The payment providers: who takes which method, and what each can and cannot do.

Everything that is done with any purchase asks for its provider here. What only one of them has (saved cards, disputes,
refunds that we ask for) is asked from its own gateway.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from billing.models import Purchase

from . import coinbase, stripe
from .types import Payment, ProviderRefund

__all__ = ["PROVIDERS", "Gateway", "Provider", "methods", "of", "provider_of"]

Method = Purchase.Method

_PROVIDER_OF = {Method.CARD: "stripe", Method.ALIPAY: "stripe", Method.USDC: "coinbase"}


class Gateway(Protocol):
    """What every gateway can do. Raises ProviderError when the provider cannot be asked."""

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
    currency: str  # in which a purchase must have been paid, as the gateway names it
    gives_refunds: bool  # whether a buyer or an operator may ask for money back
    has_disputes: bool
    rescue_window: timedelta  # how far back payments are listed that we may have missed


PROVIDERS = {
    # An idempotency key lives for a day, a little more is cheap.
    "stripe": Provider(stripe, "usd", True, True, timedelta(hours=26)),
    # What was sent to a page that has closed may take days to be found and confirmed.
    "coinbase": Provider(coinbase, "base usdc", False, False, timedelta(days=7)),
}


def of(purchase: Purchase) -> Provider:
    """The provider through which the purchase is paid."""
    return PROVIDERS[purchase.provider]


def provider_of(method: str) -> str:
    """The name of the provider that takes this method: the one whose fee it costs."""
    return _PROVIDER_OF[Method(method)]


def methods() -> list[tuple[str, str]]:
    """The ways to pay that are offered now: (value, name) for a form."""
    return [(str(value), name) for value, name in Method.choices if _is_offered(value)]


def _is_offered(method: str) -> bool:
    return PROVIDERS[provider_of(method)].gateway.is_configured()
