"""Giving money back: the unspent credits of a purchase, within a day, to where it was paid from.

`request` takes the credits off the account first, in one transaction, so that they cannot be spent any
more; only then is the provider asked. `sync` finds out what became of a purchase's refunds: it sends those
that the provider has never heard of, returns the credits of those that failed, and books those that
somebody made in the provider's dashboard. The webhook, the clock and `request` all call it.

The platform fee stays. Locks are taken in one order everywhere: purchase, then account.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import dateformat, timezone

from accounts.models import User
from billing.credits import ledger
from billing.models import CreditAccount, LedgerEntry, Lot, Purchase, Refund, parse_id
from billing.notifications import emails
from billing.providers import registry, stripe
from billing.providers.types import ProviderError, ProviderRefund, RefundStatus, RequestRejected
from common.money import PicoUsd, cents_down, format_cents, pico_from_cents

from . import disputes

__all__ = ["AmountChanged", "NotRefundable", "Offer", "offer", "refundable", "request", "sync"]

logger = logging.getLogger(__name__)

State = Refund.State


class NotRefundable(Exception):
    """Nothing of the purchase can be given back; the message says why."""


class AmountChanged(Exception):
    """The amount is not the one that the buyer agreed to: credits were spent or released meanwhile."""


@dataclass(frozen=True)
class Offer:
    """What can be given back of a purchase now, in cents, and until when it can be asked for."""

    cents: int
    until: datetime


def offer(purchase: Purchase, *, by_operator: bool = False) -> Offer:
    """What can be given back now; NotRefundable says why it is nothing. An operator is not bound to the window."""
    if purchase.state != Purchase.State.CREDITED or purchase.paid_at is None:
        raise NotRefundable("Only a purchase that was paid can be refunded.")
    if not registry.provider_of(purchase).supports_refunds:
        raise NotRefundable("Payments in cryptocurrency are final: they are never refunded.")
    until = purchase.paid_at + timedelta(hours=settings.REFUND_WINDOW_HOURS)
    if timezone.now() > until and not by_operator:
        raise NotRefundable(
            f"A purchase can be refunded within {settings.REFUND_WINDOW_HOURS} hours; this one could be until "
            f"{dateformat.format(until, 'j F Y, H:i')} UTC."
        )
    account = CreditAccount.objects.get(pk=purchase.account_id)
    if account.frozen_reason:
        raise NotRefundable(f"The account is frozen: {account.frozen_reason}")
    if purchase.refunds.filter(state=State.REQUESTED).exists():
        raise NotRefundable("A refund of this purchase is under way.")
    lot = Lot.objects.get(purchase=purchase)
    if not lot.amount:
        raise NotRefundable("The credits of this purchase have been refunded already.")
    cents = cents_down(ledger.unspent(lot))
    if not cents:
        raise NotRefundable("The credits of this purchase have been spent, or running requests hold them.")
    return Offer(cents, until)


def refundable(account: CreditAccount, purchases: Iterable[Purchase]) -> set[UUID]:
    """Those of the account's purchases for which `offer` has something, found in two queries."""
    since = timezone.now() - timedelta(hours=settings.REFUND_WINDOW_HOURS)
    recent = [
        each
        for each in purchases
        if each.state == Purchase.State.CREDITED and each.paid_at and each.paid_at >= since
        if registry.provider_of(each).supports_refunds
    ]
    if not recent or account.frozen_reason:
        return set()
    asked = Refund.objects.filter(purchase__in=recent, state=State.REQUESTED).values_list("purchase", flat=True)
    left = ledger.unspent_by_purchase(account, recent)
    return {purchase for purchase, amount in left.items() if cents_down(amount)} - set(asked)


def request(purchase: Purchase, user: User, *, cents: int, origin: Refund.Origin = Refund.Origin.BUTTON) -> Refund:
    """The refund of `cents`, sent to the provider. When the provider does not answer, the clock asks again.

    NotRefundable when there is nothing to give back; AmountChanged when it is not `cents` any more. Credits leave
    the account at once; they return if the provider refuses.
    """
    with transaction.atomic():
        locked = Purchase.objects.select_for_update().get(pk=purchase.pk)
        account = CreditAccount.objects.select_for_update().get(pk=locked.account_id)
        offered = offer(locked, by_operator=origin == Refund.Origin.OPERATOR)
        if offered.cents != cents:
            raise AmountChanged
        refund = _book(locked, account, user, cents=cents, credit_cents=cents, origin=origin, state=State.REQUESTED)
    try:
        sync(locked)
    except ProviderError as error:
        logger.warning("refund %s: the provider does not answer, the clock will ask again: %s", refund.pk, error)
    refund.refresh_from_db()
    return refund


def sync(purchase: Purchase) -> None:
    """Bring every refund of the purchase in line with the provider.

    May be called by anybody, any number of times at once. Raises ProviderError when the provider cannot be asked.
    """
    if purchase.provider_payment is None:
        return
    gateway = registry.provider_of(purchase).gateway
    told = gateway.refunds_of(purchase.provider_payment)
    booked = [_book_foreign(purchase, each) for each in told if not _ours(each)]
    if any(booked):
        # One may have failed between being listed and being booked, when its event named nothing of ours.
        told = gateway.refunds_of(purchase.provider_payment)
    for each in told:
        if refund := _ours(each):
            _apply(refund, each)
    heard_of = {each.refund_id for each in told}
    for refund in purchase.refunds.filter(state=State.REQUESTED):
        if str(refund.pk) not in heard_of:
            _send(refund, purchase.provider_payment)


# --- Steps ------------------------------------------------------------------------------------------


def _book(
    purchase: Purchase,
    account: CreditAccount,
    user: User | None,
    *,
    cents: int,
    credit_cents: int,
    origin: Refund.Origin,
    state: Refund.State,
    provider_refund: str | None = None,
) -> Refund:
    """The refund's row, its credits taken off the account. Purchase and account must be locked."""
    notes = Refund.objects.filter(purchase__account=account).count()
    refund = Refund.objects.create(
        purchase=purchase,
        provider=purchase.provider,
        user=user,
        origin=origin,
        state=state,
        cents=cents,
        credit_cents=credit_cents,
        number=f"{account.pk:06d}-C{notes + 1:03d}",
        provider_refund=provider_refund,
    )
    if credit_cents:
        ledger.take(
            account,
            pico_from_cents(credit_cents),
            kind=LedgerEntry.Kind.REFUND,
            reference=str(refund.pk),
            purchase=purchase,
        )
    return refund


def _ours(told: ProviderRefund) -> Refund | None:
    if found := Refund.objects.filter(provider_refund=told.id).first():
        return found
    given = parse_id(told.refund_id)  # made by us, the answer was lost
    return Refund.objects.filter(pk=given).first() if given else None


def _send(refund: Refund, payment_id: str) -> None:
    try:
        told = stripe.create_refund(
            payment_id=payment_id, cents=refund.cents, refund_id=str(refund.pk), key=f"refund:{refund.pk}"
        )
    except RequestRejected as refusal:
        _fail(refund, f"The payment provider refused it: {refusal}")
    else:
        _apply(refund, told)


def _apply(refund: Refund, told: ProviderRefund) -> None:
    if told.status is RefundStatus.FAILED:
        _fail(refund, "The bank sent the money back.", told.id)
        return
    now = timezone.now()
    with transaction.atomic():
        locked = Refund.objects.select_for_update().get(pk=refund.pk)
        if locked.state == State.FAILED:
            return
        arrived = told.status is RefundStatus.SUCCEEDED
        locked.provider_refund = told.id
        locked.synced_at = now
        locked.state = State.SUCCEEDED if arrived else State.PENDING
        locked.ended_at = (locked.ended_at or now) if arrived else None
        locked.save()


def _fail(refund: Refund, why: str, provider_refund: str | None = None) -> None:
    """Its credits return to the account, once; even if the refund had succeeded before."""
    with transaction.atomic():
        Purchase.objects.select_for_update().get(pk=refund.purchase_id)
        locked = Refund.objects.select_for_update().get(pk=refund.pk)
        if locked.state == State.FAILED:
            return
        if taken := LedgerEntry.objects.filter(kind=LedgerEntry.Kind.REFUND, reference=str(refund.pk)).first():
            ledger.restore(taken, kind=LedgerEntry.Kind.REFUND_REVERSAL, reference=str(refund.pk))
            disputes.take_rest(refund.purchase)
        locked.provider_refund = provider_refund or locked.provider_refund
        locked.state, locked.failure = State.FAILED, why[:300]
        locked.synced_at = locked.ended_at = timezone.now()
        locked.save()
        emails.refund_failed(locked)
    logger.warning("refund %s failed, %s are back on the account", refund.pk, format_cents(refund.credit_cents))


def _book_foreign(purchase: Purchase, told: ProviderRefund) -> bool:
    """Take the credits of a refund made in the provider's dashboard, as far as they are unspent; whether it did.

    How the refund stands is asked anew: by `sync`, or by the clock when its process dies before.
    """
    if told.status is RefundStatus.FAILED:
        return False
    with transaction.atomic():
        locked = Purchase.objects.select_for_update().get(pk=purchase.pk)
        account = CreditAccount.objects.select_for_update().get(pk=locked.account_id)
        if _ours(told) or locked.state != Purchase.State.CREDITED:
            return False
        gone = sum(refund.credit_cents for refund in locked.refunds.exclude(state=State.FAILED))
        wanted = min(told.cents, locked.credit_cents - gone)  # beyond the credits it is the fee that went back
        taken = min(wanted, cents_down(PicoUsd(max(0, account.available))))
        _book(
            locked,
            account,
            None,
            cents=told.cents,
            credit_cents=taken,
            origin=Refund.Origin.EXTERNAL,
            state=State.PENDING,
            provider_refund=told.id,
        )
    if taken < wanted:
        logger.error(
            "refund %s in the dashboard gave back %s that had been spent already", told.id, format_cents(wanted - taken)
        )
    return True
