"""Stripe, in our own words: the only package that imports its SDK.

Answers and errors are those of `billing/providers/types.py`, and one error more: `Declined`, when the bank said
no to a saved card.

The sandbox speaks the same protocol at another address; nothing here knows which of the two answers.
"""

from billing.providers.types import (
    Checkout,
    Event,
    ForgedEvent,
    KeyRefused,
    NotOpen,
    NotThere,
    Payment,
    ProviderError,
    ProviderRefund,
    RefundStanding,
    Refused,
    Standing,
    Unavailable,
)

from .cards import (
    Card,
    CardSetup,
    Declined,
    charge_card,
    fetch_card,
    fetch_card_paid_with,
    fetch_card_setup,
    open_card_setup,
    payments_of,
    remove_card,
)
from .checkouts import create_customer, expire_checkout, open_checkout
from .connection import is_configured, is_live
from .disputes import DisputeStanding, ProviderDispute, disputed_since, disputes_of
from .events import read_event
from .payments import fetch_checkout, fetch_payment, paid_since
from .refunds import create_refund, refunded_since, refunds_of

__all__ = [
    "Card",
    "CardSetup",
    "Checkout",
    "Declined",
    "DisputeStanding",
    "Event",
    "ForgedEvent",
    "KeyRefused",
    "NotOpen",
    "NotThere",
    "Payment",
    "ProviderDispute",
    "ProviderError",
    "ProviderRefund",
    "RefundStanding",
    "Refused",
    "Standing",
    "Unavailable",
    "charge_card",
    "create_customer",
    "create_refund",
    "disputed_since",
    "disputes_of",
    "expire_checkout",
    "fetch_card",
    "fetch_card_paid_with",
    "fetch_card_setup",
    "fetch_checkout",
    "fetch_payment",
    "is_configured",
    "is_live",
    "open_card_setup",
    "open_checkout",
    "paid_since",
    "payments_of",
    "read_event",
    "refunded_since",
    "refunds_of",
    "remove_card",
]
