"""Refunds of payments."""

from collections.abc import Iterator
from datetime import datetime

import stripe

from billing.providers.types import ProviderRefund, RefundStatus

from .connection import client, id_of, metadata_of, translated_errors

_STATUSES = {"succeeded": RefundStatus.SUCCEEDED, "failed": RefundStatus.FAILED, "canceled": RefundStatus.FAILED}


def create_refund(*, payment_id: str, cents: int, refund_id: str, key: str) -> ProviderRefund:
    """Refund `cents` of a payment to its payment method. The same key refunds once.

    Raises RequestRejected if the payment cannot be refunded; nothing is refunded then.
    """
    with translated_errors():
        created = client().v1.refunds.create(
            {
                "payment_intent": payment_id,
                "amount": cents,
                "reason": "requested_by_customer",
                "metadata": {"refund": refund_id},
            },
            {"idempotency_key": key},
        )
    return _to_refund(created)


def refunds_of(payment_id: str) -> list[ProviderRefund]:
    """Every refund of a payment, newest first, including those made in the provider's dashboard."""
    with translated_errors():
        page = client().v1.refunds.list({"payment_intent": payment_id, "limit": 100})
        return [_to_refund(refund) for refund in page.auto_paging_iter()]


def refunded_since(moment: datetime) -> Iterator[ProviderRefund]:
    """Every refund created since `moment`, newest first."""
    with translated_errors():
        page = client().v1.refunds.list({"created": {"gte": int(moment.timestamp())}, "limit": 100})
        for refund in page.auto_paging_iter():
            yield _to_refund(refund)


def _to_refund(refund: stripe.Refund) -> ProviderRefund:
    return ProviderRefund(
        id=refund.id,
        refund_id=metadata_of(refund, "refund"),
        payment_id=id_of(refund.payment_intent),
        cents=refund.amount,
        status=_STATUSES.get(refund.status or "", RefundStatus.PENDING),
    )
