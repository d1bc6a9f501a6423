"""Topping up: when the balance falls below a line, a saved card buys credits while the buyer is away.

`run` is called by whoever notices a low balance: the settlement of a request, and the clock every minute.
One attempt per account is under way at a time: the database allows no second one. An attempt is a purchase
of source AUTO_TOPUP:

    CREATED     agreed, written down, nothing sent
    PROCESSING  sent, or about to be; without an answer it is unknown, never failed
    CREDITED    by `purchases.sync`, like every purchase
    FAILED      the bank said no

The card is charged outside of every transaction. A process that dies in between leaves PROCESSING behind;
`resume` first looks whether the payment exists, and only then asks again, with the same key.
"""

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from billing.models import AutoTopUp, CreditAccount, Purchase, PurchaseQuerySet, SavedCard
from billing.notifications import emails
from billing.providers import stripe
from billing.providers.types import RequestRejected, Unavailable
from common.money import pico_from_cents

from . import declines, purchases
from .auto_top_up import Outlook, attempts_of, outlook, switch_off
from .quotes import AmountRefused, quote

__all__ = ["follow_up", "resume", "run", "unanswered", "untold"]

logger = logging.getLogger(__name__)

State = Purchase.State

#: An unanswered attempt older than this belongs to a process that is gone.
UNANSWERED = timedelta(minutes=2)
#: The provider remembers keys for a day. Later, asking again could charge again.
KEY_LASTS = timedelta(hours=23)


def run(account_id: int) -> Purchase | None:
    """The attempt that was made, if the balance is low and everything allows one. May be called at any time."""
    purchase = _begin(account_id)
    return _charge(purchase) if purchase is not None else None


def _begin(account_id: int) -> Purchase | None:
    with transaction.atomic():
        # The account's row is locked: of many who notice the low balance one looks at a time.
        account = CreditAccount.objects.select_for_update().get(pk=account_id)
        agreement = AutoTopUp.objects.select_related("card").filter(account=account, is_on=True).first()
        if agreement is None or account.frozen_reason or account.balance >= pico_from_cents(agreement.threshold_cents):
            return None
        if attempts_of(account).filter(state__in=(State.CREATED, State.PROCESSING)).exists():
            return None
        card = agreement.card
        if card is None or card.state != SavedCard.State.ACTIVE:
            return None
        agreement.account = account
        prospect = outlook(agreement)
        try:
            price = quote(agreement.amount_cents)
        except AmountRefused as refusal:  # the limits have changed since
            prospect = Outlook(stop=str(refusal))
        if prospect.may_run:
            return Purchase.objects.create(
                account=account,
                user=agreement.consent_by,
                source=Purchase.Source.AUTO_TOPUP,
                method=Purchase.Method.CARD,
                card=card,
                credit_cents=price.credit_cents,
                fee_cents=price.fee_cents,
                fee_basis_points=price.fee_basis_points,
                provider_customer=account.stripe_customer_id,
            )
    if prospect.stop:
        _stop(agreement, prospect.stop)
    return None


def unanswered() -> PurchaseQuerySet:
    """The attempts of which nobody knows any more how they stand: for `resume`."""
    long_ago = timezone.now() - UNANSWERED
    return Purchase.objects.filter(
        Q(state=State.CREATED, created_at__lt=long_ago) | Q(state=State.PROCESSING, synced_at__lt=long_ago),
        source=Purchase.Source.AUTO_TOPUP,
        provider_payment=None,
    )


def untold() -> PurchaseQuerySet:
    """The recent attempts whose owner was never told how they ended: for `follow_up`."""
    now = timezone.now()
    ended = Purchase.objects.filter(
        source=Purchase.Source.AUTO_TOPUP, state__in=(State.CREDITED, State.FAILED), told_at=None
    )
    return ended.filter(created_at__gt=now - timedelta(days=2), synced_at__lt=now - UNANSWERED)


# --- Charging ---------------------------------------------------------------------------------------


def _charge(purchase: Purchase) -> Purchase | None:
    """The purchase after asking for the money; None when somebody else is asking."""
    claimed = Purchase.objects.filter(pk=purchase.pk, state=State.CREATED)
    if not claimed.update(state=State.PROCESSING, synced_at=timezone.now()):
        return None
    purchase.refresh_from_db()
    return _ask(purchase)


def resume(purchase: Purchase) -> Purchase | None:
    """Go on with an attempt whose process died or whose answer was lost. Raises ProviderError."""
    if purchase.state == State.CREATED:
        return _charge(purchase)
    # Taken by one of many, by moving its clock.
    seen = Q(synced_at=purchase.synced_at, state=State.PROCESSING, provider_payment=None)
    if not Purchase.objects.filter(seen, pk=purchase.pk).update(synced_at=timezone.now()):
        return None
    for payment in stripe.payments_of(purchase.provider_customer, purchase.created_at - timedelta(minutes=5)):
        if payment.purchase_id == str(purchase.pk):
            return _settle(purchase, payment.payment_id)
    if timezone.now() - purchase.created_at > KEY_LASTS:
        return _failed(purchase, "", "The payment provider never received it.", is_final=False)
    return _ask(purchase)


def _ask(purchase: Purchase) -> Purchase | None:
    card = purchase.card
    assert card is not None
    try:
        payment = stripe.charge_card(
            customer_id=purchase.provider_customer,
            method_id=card.provider_method,
            cents=purchase.total_cents,
            purchase_id=str(purchase.pk),
            receipt_email=purchase.user.email if purchase.user else "",
            description="Auto top-up",
            key=f"topup:{purchase.pk}",
        )
    except stripe.Declined as decline:
        told = declines.what_happened(decline.code)
        return _failed(purchase, decline.code, told, is_final=decline.is_final, payment_id=decline.payment_id)
    except RequestRejected as refusal:
        logger.error("auto top-up %s was refused: %s", purchase.pk, refusal)
        return _failed(purchase, "refused", f"{card} can no longer be charged.", is_final=True)
    except Unavailable as silence:
        logger.warning("auto top-up %s: no answer, the clock will look: %s", purchase.pk, silence)
        return purchase
    return _settle(purchase, payment.payment_id)


def _settle(purchase: Purchase, payment_id: str) -> Purchase:
    """The attempt has a payment: from here on it is a purchase like any other."""
    Purchase.objects.filter(pk=purchase.pk, provider_payment=None).update(provider_payment=payment_id)
    purchase.refresh_from_db()
    purchase = purchases.sync(purchase)
    follow_up(purchase)
    return purchase


def _failed(purchase: Purchase, code: str, told: str, *, is_final: bool, payment_id: str | None = None) -> Purchase:
    Purchase.objects.filter(pk=purchase.pk, state=State.PROCESSING).update(
        state=State.FAILED,
        decline_code=code[:60],
        is_final_decline=is_final,
        failure=told[:300],
        provider_payment=payment_id or None,
        synced_at=timezone.now(),
    )
    purchase.refresh_from_db()
    follow_up(purchase)
    return purchase


@transaction.atomic
def follow_up(purchase: Purchase) -> None:
    """Tell the owner, once, how an attempt has ended; and stop when going on makes no sense."""
    ended = Purchase.objects.filter(pk=purchase.pk, state__in=(State.CREDITED, State.FAILED), told_at=None)
    if purchase.source != Purchase.Source.AUTO_TOPUP or not ended.update(told_at=timezone.now()):
        return
    if purchase.state == State.CREDITED:
        emails.topped_up(purchase)
        return
    agreement = AutoTopUp.objects.select_related("account__organisation").get(account=purchase.account_id)
    prospect = outlook(agreement)
    if prospect.stop:
        _stop(agreement, prospect.stop)
    else:
        emails.auto_top_up_failed(purchase, prospect.wait_until)


@transaction.atomic
def _stop(agreement: AutoTopUp, reason: str) -> None:
    if switch_off(agreement.account, reason):
        logger.info("auto top-up of account %s stopped: %s", agreement.account_id, reason)
        emails.auto_top_up_stopped(agreement.account, reason)
