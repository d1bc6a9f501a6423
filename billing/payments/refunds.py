"""Refunds: the unspent credits of a purchase, returned within a day to the payment method.

`request` first takes the credits off the account, in one transaction, so that they cannot be spent; only then is the
provider called. `sync` brings the refunds of a purchase in line with the provider: it sends those that the provider
does not have, restores the credits of those that failed, and records those made in the provider's dashboard.
Webhooks, periodic tasks and `request` all call it.

The platform fee is not refunded. Locks are always taken in the same order: purchase, then account.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts.models import User
from billing.credits import ledger
from billing.models import CreditAccount, LedgerEntry, Lot, Purchase, Refund, parse_id
from billing.notifications import emails
from billing.providers import registry, stripe
from billing.providers.types import ProviderError, ProviderRefund, RefundStatus, RequestRejected
from common.display.moments import moment_text
from common.money import PicoUsd, cents_down, format_cents, pico_from_cents

from . import disputes

__all__ = ["AmountChanged", "NotRefundable", "Offer", "offer", "refundable", "request", "sync"]

logger = logging.getLogger(__name__)

State = Refund.State


class NotRefundable(Exception):
    """Nothing of the purchase can be refunded; the message says why."""


class AmountChanged(Exception):
    """The refundable amount is not the one that the buyer confirmed: credits were spent or released since."""


@dataclass(frozen=True)
class Offer:
    """The refundable amount of a purchase in cents, and the end of its refund window."""

    cents: int
    until: datetime


def offer(purchase: Purchase, *, by_operator: bool = False) -> Offer:
    """The refund possible now. NotRefundable gives the reason if there is none. The window does not bind operators."""
    if purchase.state != Purchase.State.CREDITED or purchase.paid_at is None:
        raise NotRefundable("Only paid purchases can be refunded.")
    if not registry.provider_of(purchase).supports_refunds:
        raise NotRefundable("Cryptocurrency payments are final and can't be refunded.")
    until = purchase.paid_at + timedelta(hours=settings.REFUND_WINDOW_HOURS)
    if timezone.now() > until and not by_operator:
        raise NotRefundable(
            f"Purchases can be refunded within {settings.REFUND_WINDOW_HOURS} hours. For this one the time ended on "
            f"{moment_text(until)}."
        )
    account = CreditAccount.objects.get(pk=purchase.account_id)
    if account.frozen_reason:
        raise NotRefundable(f"The account is frozen. {account.frozen_reason}")
    if purchase.refunds.filter(state=State.REQUESTED).exists():
        raise NotRefundable("A refund of this purchase is in progress.")
    lot = Lot.objects.get(purchase=purchase)
    if not lot.amount and purchase.refunds.exists():
        raise NotRefundable("This purchase has already been refunded.")
    if not lot.amount:
        raise NotRefundable("The credits of this purchase were moved to an organization, so they can't be refunded.")
    cents = cents_down(ledger.unspent(lot))
    if not cents:
        raise NotRefundable("The credits of this purchase are spent or on hold.")
    return Offer(cents, until)


def refundable(account: CreditAccount, purchases: Iterable[Purchase]) -> set[UUID]:
    """The ids of those purchases of the account for which a buyer has an `offer`, in two queries."""
    since = timezone.now() - timedelta(hours=settings.REFUND_WINDOW_HOURS)
    recent = [
        purchase
        for purchase in purchases
        if purchase.state == Purchase.State.CREDITED and purchase.paid_at and purchase.paid_at >= since
        if registry.provider_of(purchase).supports_refunds
    ]
    if not recent or account.frozen_reason:
        return set()
    requested = Refund.objects.filter(purchase__in=recent, state=State.REQUESTED).values_list("purchase", flat=True)
    unspent = ledger.unspent_by_purchase(account, recent)
    return {purchase_id for purchase_id, amount in unspent.items() if cents_down(amount)} - set(requested)


def request(purchase: Purchase, user: User, *, cents: int, origin: Refund.Origin = Refund.Origin.BUTTON) -> Refund:
    """A refund of `cents`, sent to the provider. If the provider does not respond, a periodic task sends it again.

    The credits leave the account at once, and are restored if the provider refuses. NotRefundable if there is nothing
    to refund; AmountChanged if the refundable amount is no longer `cents`.
    """
    with transaction.atomic():
        locked = Purchase.objects.select_for_update().get(pk=purchase.pk)
        account = CreditAccount.objects.select_for_update().get(pk=locked.account_id)
        if offer(locked, by_operator=origin == Refund.Origin.OPERATOR).cents != cents:
            raise AmountChanged
        refund = Refund(
            purchase=locked, user=user, origin=origin, state=State.REQUESTED, cents=cents, credit_cents=cents
        )
        _record(refund, account)
    try:
        sync(locked)
    except ProviderError as error:
        logger.warning("refund %s is not sent yet, the next sweep will send it: %s", refund.pk, error)
    refund.refresh_from_db()
    return refund


def sync(purchase: Purchase) -> None:
    """Bring every refund of the purchase in line with the provider.

    May be called any number of times at once. Raises ProviderError if the provider cannot be reached.
    """
    if purchase.provider_payment is None:
        return
    gateway = registry.provider_of(purchase).gateway
    reported = gateway.refunds_of(purchase.provider_payment)
    recorded = [_record_external(purchase, each) for each in reported if not _find(each)]
    if any(recorded):
        # One may have failed before it was recorded, when its event did not match any refund. Fetch the state again.
        reported = gateway.refunds_of(purchase.provider_payment)
    for each in reported:
        if refund := _find(each):
            _apply(refund, each)
    known_to_provider = {each.refund_id for each in reported}
    for refund in purchase.refunds.filter(state=State.REQUESTED):
        if str(refund.pk) not in known_to_provider:
            _send(refund, purchase.provider_payment)


# --- Steps ------------------------------------------------------------------------------------------


def _record(refund: Refund, account: CreditAccount) -> None:
    """Store a new refund and take its credits off the account. Purchase and account must be locked."""
    credit_notes = Refund.objects.filter(purchase__account=account).count()
    refund.number = f"{account.pk:06d}-C{credit_notes + 1:03d}"
    refund.provider = refund.purchase.provider
    refund.save(force_insert=True)
    if refund.credit_cents:
        ledger.take(
            account,
            pico_from_cents(refund.credit_cents),
            kind=LedgerEntry.Kind.REFUND,
            reference=str(refund.pk),
            purchase=refund.purchase,
        )


def _record_external(purchase: Purchase, reported: ProviderRefund) -> bool:
    """Record a refund made in the provider's dashboard and take its credits, as far as they are unspent.

    Returns whether it was recorded. `sync` then fetches its state, or a periodic task if this process dies before.
    """
    if reported.status is RefundStatus.FAILED:
        return False
    with transaction.atomic():
        locked = Purchase.objects.select_for_update().get(pk=purchase.pk)
        account = CreditAccount.objects.select_for_update().get(pk=locked.account_id)
        if _find(reported) or locked.state != Purchase.State.CREDITED:
            return False
        refunded = sum(refund.credit_cents for refund in locked.refunds.exclude(state=State.FAILED))
        due = min(reported.cents, locked.credit_cents - refunded)  # anything beyond the credits is the fee
        taken = min(due, cents_down(PicoUsd(max(0, account.available))))
        refund = Refund(
            purchase=locked,
            origin=Refund.Origin.EXTERNAL,
            state=State.PENDING,
            cents=reported.cents,
            credit_cents=taken,
            provider_refund=reported.id,
        )
        _record(refund, account)
    if taken < due:
        logger.error("dashboard refund %s includes %s already spent", reported.id, format_cents(due - taken))
    return True


def _find(reported: ProviderRefund) -> Refund | None:
    """Our record of a refund that the provider reports."""
    if found := Refund.objects.filter(provider_refund=reported.id).first():
        return found
    # Created by us, but the response was lost: the provider returns our id in the metadata.
    own_id = parse_id(reported.refund_id)
    return Refund.objects.filter(pk=own_id).first() if own_id else None


def _send(refund: Refund, payment_id: str) -> None:
    try:
        reported = stripe.create_refund(
            payment_id=payment_id, cents=refund.cents, refund_id=str(refund.pk), key=f"refund:{refund.pk}"
        )
    except RequestRejected as error:
        _fail(refund, f"The payment provider refused the refund: {error}")
    else:
        _apply(refund, reported)


def _apply(refund: Refund, reported: ProviderRefund) -> None:
    if reported.status is RefundStatus.FAILED:
        _fail(refund, "The bank returned the money.", reported.id)
        return
    now = timezone.now()
    with transaction.atomic():
        locked = Refund.objects.select_for_update().get(pk=refund.pk)
        if locked.state == State.FAILED:
            return
        succeeded = reported.status is RefundStatus.SUCCEEDED
        locked.provider_refund = reported.id
        locked.synced_at = now
        locked.state = State.SUCCEEDED if succeeded else State.PENDING
        locked.ended_at = (locked.ended_at or now) if succeeded else None
        locked.save()


def _fail(refund: Refund, reason: str, provider_refund: str | None = None) -> None:
    """Mark the refund as failed and restore its credits, once; also if it had succeeded before."""
    with transaction.atomic():
        Purchase.objects.select_for_update().get(pk=refund.purchase_id)
        locked = Refund.objects.select_for_update().get(pk=refund.pk)
        if locked.state == State.FAILED:
            return
        if taken := LedgerEntry.objects.filter(kind=LedgerEntry.Kind.REFUND, reference=str(refund.pk)).first():
            ledger.restore(taken, kind=LedgerEntry.Kind.REFUND_REVERSAL, reference=str(refund.pk))
            disputes.take_remainder(refund.purchase)
        locked.provider_refund = provider_refund or locked.provider_refund
        locked.state, locked.failure = State.FAILED, reason[:300]
        locked.synced_at = locked.ended_at = timezone.now()
        locked.save()
        emails.refund_failed(locked)
    logger.warning("refund %s failed, %s restored to the account", refund.pk, format_cents(refund.credit_cents))
