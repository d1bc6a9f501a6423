"""Money on its way back to a buyer."""

from collections.abc import Iterator
from datetime import datetime

import stripe

from billing.providers.types import ProviderRefund, RefundStanding

from .connection import client, identifier, metadata_of, translated


def create_refund(*, payment_id: str, cents: int, refund: str, key: str) -> ProviderRefund:
    """Send `cents` of a payment back to where they came from. Refused when that is impossible; nothing is sent then."""
    with translated():
        made = client().v1.refunds.create(
            {
                "payment_intent": payment_id,
                "amount": cents,
                "reason": "requested_by_customer",
                "metadata": {"refund": refund},
            },
            {"idempotency_key": key},
        )
    return _translate(made)


def refunds_of(payment_id: str) -> list[ProviderRefund]:
    """Every refund of a payment, whoever made it, newest first."""
    with translated():
        page = client().v1.refunds.list({"payment_intent": payment_id, "limit": 100})
        return [_translate(refund) for refund in page.auto_paging_iter()]


def refunded_since(moment: datetime) -> Iterator[ProviderRefund]:
    """Every refund that was made since `moment`, newest first."""
    with translated():
        page = client().v1.refunds.list({"created": {"gte": int(moment.timestamp())}, "limit": 100})
        for refund in page.auto_paging_iter():
            yield _translate(refund)


def _translate(refund: stripe.Refund) -> ProviderRefund:
    standings = {
        "succeeded": RefundStanding.SUCCEEDED,
        "failed": RefundStanding.FAILED,
        "canceled": RefundStanding.FAILED,
    }
    return ProviderRefund(
        id=refund.id,
        refund=metadata_of(refund, "refund"),
        payment_id=identifier(refund.payment_intent),
        cents=refund.amount,
        standing=standings.get(refund.status or "", RefundStanding.PENDING),
    )
