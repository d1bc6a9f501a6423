"""Stripe, in our own words: the only package that imports its SDK.

Every function returns frozen data of ours and raises only `ProviderError`s:

ProviderError
├── Unavailable      no answer, or a failure of theirs: nothing is known, ask again with the same key
│   └── KeyRefused   our key is not accepted: for an operator to mend
├── Declined         the bank said no to a saved card
├── Refused          the request makes no sense to them
│   ├── NotThere     no such object
│   └── NotOpen      the checkout can no longer be expired
└── ForgedEvent      a webhook whose signature is wrong or too old

The sandbox speaks the same protocol at another address; nothing here knows which of the two answers.
"""

from .cards import (
    Card,
    CardSetup,
    Declined,
    charge_card,
    fetch_card,
    fetch_card_setup,
    open_card_setup,
    payments_of,
    remove_card,
)
from .checkouts import Checkout, create_customer, expire_checkout, open_checkout
from .connection import ForgedEvent, KeyRefused, NotOpen, NotThere, ProviderError, Refused, Unavailable, is_live
from .disputes import DisputeStanding, ProviderDispute, disputed_since, disputes_of
from .events import Event, read_event
from .payments import Payment, Standing, fetch_checkout, fetch_payment, paid_since
from .refunds import ProviderRefund, RefundStanding, create_refund, refunded_since, refunds_of

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
    "fetch_card_setup",
    "fetch_checkout",
    "fetch_payment",
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
