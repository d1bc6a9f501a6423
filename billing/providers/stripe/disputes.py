"""Payments that a bank takes back on its customer's word."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

import stripe

from .connection import client, identifier, translated


class DisputeStanding(StrEnum):
    """Where the argument stands; `OPEN` and `LOST` are those in which the money is gone."""

    INQUIRY = "inquiry"  # the bank only asks
    OPEN = "open"
    WON = "won"
    LOST = "lost"
    CLOSED = "closed"  # it came to nothing


@dataclass(frozen=True)
class ProviderDispute:
    """What the provider knows about one dispute."""

    id: str
    payment_id: str
    cents: int
    reason: str
    standing: DisputeStanding
    due_by: datetime | None  # until when an operator can answer


def disputes_of(payment_id: str) -> list[ProviderDispute]:
    """Every dispute of a payment, newest first."""
    with translated():
        page = client().v1.disputes.list({"payment_intent": payment_id, "limit": 100})
        return [_translate(dispute) for dispute in page.auto_paging_iter()]


def disputed_since(moment: datetime) -> Iterator[ProviderDispute]:
    """Every dispute that was opened since `moment`, newest first."""
    with translated():
        page = client().v1.disputes.list({"created": {"gte": int(moment.timestamp())}, "limit": 100})
        for dispute in page.auto_paging_iter():
            yield _translate(dispute)


def _translate(dispute: stripe.Dispute) -> ProviderDispute:
    due_by = dispute.evidence_details.due_by if dispute.evidence_details else None
    return ProviderDispute(
        id=dispute.id,
        payment_id=identifier(dispute.payment_intent),
        cents=dispute.amount,
        reason=dispute.reason,
        standing=_standing(dispute.status),
        due_by=datetime.fromtimestamp(due_by, UTC) if due_by else None,
    )


def _standing(status: str) -> DisputeStanding:
    if status in {"won", "lost"}:
        return DisputeStanding(status)
    if status in {"warning_closed", "prevented"}:
        return DisputeStanding.CLOSED
    if status.startswith("warning_"):
        return DisputeStanding.INQUIRY
    return DisputeStanding.OPEN
