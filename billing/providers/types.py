"""Types and errors shared by all payment gateways.

ProviderError
├── Unavailable               no response, or a server error: the outcome is unknown, retry with the same key
│   └── CredentialsRejected   our API key is not accepted: an operator must fix the configuration
├── RequestRejected           the provider refused the request, and nothing happened
│   ├── NotFound              no such object
│   └── CheckoutClosed        the checkout can no longer be expired
└── InvalidSignature          a webhook whose signature is missing, wrong or too old
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = [
    "Checkout",
    "CheckoutClosed",
    "CredentialsRejected",
    "InvalidSignature",
    "NotFound",
    "Payment",
    "PaymentStatus",
    "ProviderError",
    "ProviderRefund",
    "RefundStatus",
    "RequestRejected",
    "Unavailable",
    "WebhookEvent",
]


class ProviderError(Exception):
    """A call to a payment provider failed."""


class Unavailable(ProviderError):
    """No response, or an error on the provider's side. The request may or may not have been carried out."""


class CredentialsRejected(Unavailable):
    """The provider does not accept our API key. An operator must fix it; the outcome of the request is unknown."""


class RequestRejected(ProviderError):
    """The provider understood the request and refused it. Nothing has happened."""


class NotFound(RequestRejected):
    """The provider has no such object: it belongs to another account, or to a sandbox that was reset."""


class CheckoutClosed(RequestRejected):
    """The checkout has been paid or has expired, so it cannot be expired now."""


class InvalidSignature(ProviderError):
    """The webhook's signature is missing, wrong or too old."""


@dataclass(frozen=True)
class Checkout:
    """A hosted payment page that has just been created."""

    id: str
    url: str


class PaymentStatus(StrEnum):
    """The status of a payment, whichever provider object it was read from."""

    OPEN = "open"  # the buyer has not finished; after a decline another card can be tried
    PROCESSING = "processing"  # the buyer has finished, but the money has not arrived
    PAID = "paid"
    FAILED = "failed"
    EXPIRED = "expired"


@dataclass(frozen=True)
class Payment:
    """A payment as the provider reports it. Amounts are in cents; unknown texts are empty."""

    status: PaymentStatus
    purchase_id: str  # from the metadata that we set; only our API key can write it
    reference: str  # the purchase id returned with the checkout
    customer_id: str
    currency: str
    amount_cents: int
    received_cents: int
    refunded_cents: int
    is_disputed: bool
    is_live: bool
    payment_id: str
    decline_code: str
    is_final_decline: bool  # the bank advises against trying this card again
    paid_with: str  # for example "Visa ending in 4242"
    receipt_url: str
    paid_at: datetime | None
    transaction: str = ""  # the transaction hash of a cryptocurrency payment


class RefundStatus(StrEnum):
    """The status of a refund. A bank can return the money days later, so even a succeeded refund may fail."""

    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


@dataclass(frozen=True)
class ProviderRefund:
    """A refund as the provider reports it. `refund_id` is our id; it is empty if we did not create the refund."""

    id: str
    refund_id: str
    payment_id: str
    cents: int
    status: RefundStatus


@dataclass(frozen=True)
class WebhookEvent:
    """A verified webhook event. It only hints at which objects to fetch; its contents are never trusted."""

    id: str
    type: str
    is_live: bool
    object_id: str
    payment_id: str
    purchase_id: str
    customer_id: str
