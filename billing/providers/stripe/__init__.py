"""The Stripe gateway: the only package that imports Stripe's SDK.

It returns the types and raises the errors of `billing/providers/types.py`, plus `Declined` when a bank declines a
charge of a saved card.

The sandbox implements the same API at another address. This package does not know which of the two it talks to.
"""

from .cards import (
    Card,
    Declined,
    charge_card,
    detach_card,
    fetch_card,
    fetch_card_setup,
    fetch_payment_card,
    open_card_setup,
    payments_of,
)
from .checkouts import (
    CheckoutRequest,
    change_address,
    create_customer,
    delete_customer,
    expire_checkout,
    open_checkout,
)
from .connection import is_configured, is_live
from .disputes import ProviderDispute, disputed_since, disputes_of
from .events import read_event
from .methods import offers
from .payments import fetch_checkout, fetch_payment, paid_since
from .refunds import create_refund, refunded_since, refunds_of

__all__ = [
    "Card",
    "CheckoutRequest",
    "Declined",
    "ProviderDispute",
    "change_address",
    "charge_card",
    "create_customer",
    "create_refund",
    "delete_customer",
    "detach_card",
    "disputed_since",
    "disputes_of",
    "expire_checkout",
    "fetch_card",
    "fetch_card_setup",
    "fetch_checkout",
    "fetch_payment",
    "fetch_payment_card",
    "is_configured",
    "is_live",
    "offers",
    "open_card_setup",
    "open_checkout",
    "paid_since",
    "payments_of",
    "read_event",
    "refunded_since",
    "refunds_of",
]
