"""Disputes of card payments."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import stripe

from .connection import client, id_of, translated_errors


class DisputeStatus(StrEnum):
    """The status of a dispute. The bank has withdrawn the money in `OPEN` and `LOST`."""

    INQUIRY = "inquiry"  # no money has moved
    OPEN = "open"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"  # an inquiry that ended without a dispute


@dataclass(frozen=True)
class ProviderDispute:
    """A dispute as the provider reports it."""

    id: str
    payment_id: str
    cents: int
    reason: str
    status: DisputeStatus
    due_by: datetime | None  # deadline for an operator's response


def disputes_of(payment_id: str) -> list[ProviderDispute]:
    """Every dispute of a payment, newest first."""
    with translated_errors():
        page = client().v1.disputes.list({"payment_intent": payment_id, "limit": 100})
        return [_to_dispute(dispute) for dispute in page.auto_paging_iter()]


def disputed_since(moment: datetime) -> Iterator[ProviderDispute]:
    """Every dispute opened since `moment`, newest first."""
    with translated_errors():
        page = client().v1.disputes.list({"created": {"gte": int(moment.timestamp())}, "limit": 100})
        for dispute in page.auto_paging_iter():
            yield _to_dispute(dispute)


def _to_dispute(dispute: stripe.Dispute) -> ProviderDispute:
    due_by = dispute.evidence_details.due_by if dispute.evidence_details else None
    return ProviderDispute(
        id=dispute.id,
        payment_id=id_of(dispute.payment_intent),
        cents=dispute.amount,
        reason=dispute.reason,
        status=_to_status(dispute.status),
        due_by=datetime.fromtimestamp(due_by, UTC) if due_by else None,
    )


def _to_status(status: str) -> DisputeStatus:
    if status in {"won", "lost"}:
        return DisputeStatus(status)
    if status in {"warning_closed", "prevented"}:
        return DisputeStatus.CLOSED
    if status.startswith("warning_"):
        return DisputeStatus.INQUIRY
    return DisputeStatus.OPEN
