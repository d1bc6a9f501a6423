"""What payment providers tell us, in our own words. Every gateway answers with these and raises only these:

ProviderError
├── Unavailable      no answer, or a failure of theirs: nothing is known, ask again with the same key
│   └── KeyRefused   our key is not accepted: for an operator to mend
├── Refused          the request makes no sense to them
│   ├── NotThere     no such object
│   └── NotOpen      the checkout can no longer be closed
└── ForgedEvent      a webhook whose signature is wrong or too old
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = [
    "Checkout",
    "Event",
    "ForgedEvent",
    "KeyRefused",
    "NotOpen",
    "NotThere",
    "Payment",
    "ProviderError",
    "ProviderRefund",
    "RefundStanding",
    "Refused",
    "Standing",
    "Unavailable",
]


class ProviderError(Exception):
    """The provider did not do what was asked."""


class Unavailable(ProviderError):
    """No answer, or a failure on the provider's side: what was asked may have been done or not."""


class KeyRefused(Unavailable):
    """The provider does not accept our key: for an operator to mend, and no answer to what was asked."""


class Refused(ProviderError):
    """The provider understood and will not; nothing has happened."""


class NotThere(Refused):
    """The provider knows no such object: another account's, or a sandbox that was emptied."""


class NotOpen(Refused):
    """The checkout has been paid or has expired, so it cannot be closed now."""


class ForgedEvent(ProviderError):
    """The webhook's signature is missing, wrong or too old."""


@dataclass(frozen=True)
class Checkout:
    """A hosted payment page that has just been opened."""

    id: str
    url: str


class Standing(StrEnum):
    """How far a payment has come, whichever object tells it."""

    OPEN = "open"  # the buyer has not finished; a declined card can be tried again
    PROCESSING = "processing"  # the buyer has finished, the money has not arrived
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Payment:
    """What the provider knows about one payment. Amounts in cents, texts empty when unknown."""

    standing: Standing
    purchase: str  # the id that we put into the metadata: nobody else can
    reference: str  # the id that came back with the checkout
    customer: str
    currency: str
    asked_cents: int
    received_cents: int
    refunded_cents: int
    is_disputed: bool
    is_live: bool
    payment_id: str
    decline_code: str
    is_final_decline: bool  # the bank's advice is not to try again
    paid_with: str  # "Visa ending in 4242"
    receipt_url: str
    paid_at: datetime | None
    transaction: str = ""  # the network's own name for the payment, of one in cryptocurrency


class RefundStanding(StrEnum):
    """How far a refund has come. Even one that had succeeded can fail days later, when the bank sends it back."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class ProviderRefund:
    """What the provider knows about one refund. `refund` is our id, empty when somebody else made it."""

    id: str
    refund: str
    payment_id: str
    cents: int
    standing: RefundStanding


@dataclass(frozen=True)
class Event:
    """A verified webhook: a hint which objects to look at, never a source of facts."""

    id: str
    type: str
    is_live: bool
    object_id: str
    payment_id: str
    purchase: str
    customer: str
