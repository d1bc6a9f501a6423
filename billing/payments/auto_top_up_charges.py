"""Auto top-up charges: buying credits with a saved card while the balance is below the threshold.

`charge_if_low` is called when the settlement of a request reports a low balance, and every minute by a periodic task.
A charge is a Purchase with source AUTO_TOP_UP. A database constraint allows one unfinished charge per account:

    CREATED     recorded, nothing sent
    PROCESSING  sent or about to be sent; without a response the outcome is unknown, not failed
    CREDITED    credited by `purchases.sync`, like every purchase
    FAILED      declined by the bank

No transaction is open while the card is charged. If the process dies in between, the charge stays in PROCESSING;
`resume` first looks for the payment at the provider, and only if there is none sends it again, with the same key.
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
from .auto_top_up import Eligibility, charges_of, eligibility, turn_off
from .quotes import AmountRefused, quote

__all__ = ["charge_if_low", "report_outcome", "resume", "unnotified", "unresolved"]

logger = logging.getLogger(__name__)

State = Purchase.State

#: A charge unresolved for longer than this belongs to a process that has died.
ABANDONED_AFTER = timedelta(minutes=2)
#: The provider keeps idempotency keys for a day. Sending a charge again after that could charge twice.
KEY_LIFETIME = timedelta(hours=23)


def charge_if_low(account_id: int) -> Purchase | None:
    """Charge the saved card if the balance is low and a charge is allowed now; returns the charge made.

    May be called at any time, any number of times at once.
    """
    charge = _create(account_id)
    return _claim_and_send(charge) if charge is not None else None


def _create(account_id: int) -> Purchase | None:
    with transaction.atomic():
        # Locking the account serializes concurrent callers.
        account = CreditAccount.objects.select_for_update().get(pk=account_id)
        agreement = AutoTopUp.objects.select_related("card").filter(account=account, is_on=True).first()
        if agreement is None or account.frozen_reason or account.balance >= pico_from_cents(agreement.threshold_cents):
            return None
        if charges_of(account).filter(state__in=(State.CREATED, State.PROCESSING)).exists():
            return None
        card = agreement.card
        if card is None or card.state != SavedCard.State.ACTIVE:
            return None
        agreement.account = account
        allowed = eligibility(agreement)
        try:
            price = quote(agreement.amount_cents)
        except AmountRefused as error:  # the limits have changed since auto top-up was turned on
            allowed = Eligibility(stop_reason=str(error))
        if allowed.may_charge:
            return Purchase.objects.create(
                account=account,
                user=agreement.consent_by,
                source=Purchase.Source.AUTO_TOP_UP,
                method=Purchase.Method.CARD,
                card=card,
                credit_cents=price.credit_cents,
                fee_cents=price.fee_cents,
                fee_basis_points=price.fee_basis_points,
                provider_customer=account.stripe_customer_id,
            )
    if allowed.stop_reason:
        _turn_off(agreement, allowed.stop_reason)
    return None


def unresolved() -> PurchaseQuerySet:
    """Charges whose process has died before it knew the outcome, for `resume`."""
    cutoff = timezone.now() - ABANDONED_AFTER
    return Purchase.objects.filter(
        Q(state=State.CREATED, created_at__lt=cutoff) | Q(state=State.PROCESSING, synced_at__lt=cutoff),
        source=Purchase.Source.AUTO_TOP_UP,
        provider_payment=None,
    )


def unnotified() -> PurchaseQuerySet:
    """Recent charges whose outcome was never reported to the owner, for `report_outcome`."""
    now = timezone.now()
    finished = Purchase.objects.filter(
        source=Purchase.Source.AUTO_TOP_UP, state__in=(State.CREDITED, State.FAILED), notified_at=None
    )
    return finished.filter(created_at__gt=now - timedelta(days=2), synced_at__lt=now - ABANDONED_AFTER)


# --- Sending a charge -------------------------------------------------------------------------------


def _claim_and_send(charge: Purchase) -> Purchase | None:
    """The charge after sending it to the provider; None if another process has claimed it."""
    claimed = Purchase.objects.filter(pk=charge.pk, state=State.CREATED)
    if not claimed.update(state=State.PROCESSING, synced_at=timezone.now()):
        return None
    charge.refresh_from_db()
    return _send(charge)


def resume(charge: Purchase) -> Purchase | None:
    """Find out the outcome of an unresolved charge; None if another process has claimed it. Raises ProviderError."""
    if charge.state == State.CREATED:
        return _claim_and_send(charge)
    # Moving `synced_at` claims the charge: of several processes only one updates the row.
    unclaimed = Q(synced_at=charge.synced_at, state=State.PROCESSING, provider_payment=None)
    if not Purchase.objects.filter(unclaimed, pk=charge.pk).update(synced_at=timezone.now()):
        return None
    for payment in stripe.payments_of(charge.provider_customer, charge.created_at - timedelta(minutes=5)):
        if payment.purchase_id == str(charge.pk):
            return _record_payment(charge, payment.payment_id)
    # A charge of an account that was frozen or deleted meanwhile is not sent again.
    if charge.account.frozen_reason or timezone.now() - charge.created_at > KEY_LIFETIME:
        return _record_failure(charge, "", "The charge never reached the payment provider.", is_final=False)
    return _send(charge)


def _send(charge: Purchase) -> Purchase:
    card = charge.card
    if card is None:  # it was deleted with the account
        return _record_failure(charge, "refused", "The card was removed.", is_final=True)
    try:
        payment = stripe.charge_card(
            customer_id=charge.provider_customer,
            method_id=card.provider_method,
            cents=charge.total_cents,
            purchase_id=str(charge.pk),
            receipt_email=charge.user.email if charge.user else "",
            description="Auto top-up",
            key=f"auto_top_up:{charge.pk}",
        )
    except stripe.Declined as decline:
        message = declines.summarize(decline.code)
        return _record_failure(charge, decline.code, message, is_final=decline.is_final, payment_id=decline.payment_id)
    except RequestRejected as error:
        logger.error("auto top-up charge %s was rejected: %s", charge.pk, error)
        return _record_failure(charge, "refused", f"{card} can no longer be charged.", is_final=True)
    except Unavailable as error:
        logger.warning("auto top-up charge %s: no response, the next sweep will resume it: %s", charge.pk, error)
        return charge
    return _record_payment(charge, payment.payment_id)


def _record_payment(charge: Purchase, payment_id: str) -> Purchase:
    """The charge with its payment recorded. From here on it is synced like any purchase."""
    Purchase.objects.filter(pk=charge.pk, provider_payment=None).update(provider_payment=payment_id)
    charge.refresh_from_db()
    charge = purchases.sync(charge)
    report_outcome(charge)
    return charge


def _record_failure(
    charge: Purchase, code: str, message: str, *, is_final: bool, payment_id: str | None = None
) -> Purchase:
    Purchase.objects.filter(pk=charge.pk, state=State.PROCESSING).update(
        state=State.FAILED,
        decline_code=code[:60],
        is_final_decline=is_final,
        failure=message[:300],
        provider_payment=payment_id or None,
        synced_at=timezone.now(),
    )
    charge.refresh_from_db()
    report_outcome(charge)
    return charge


@transaction.atomic
def report_outcome(purchase: Purchase) -> None:
    """Email the owner the outcome of a finished auto top-up charge, once; turn auto top-up off if it must stop.

    Does nothing for other purchases.
    """
    finished = Purchase.objects.filter(pk=purchase.pk, state__in=(State.CREDITED, State.FAILED), notified_at=None)
    if purchase.source != Purchase.Source.AUTO_TOP_UP or not finished.update(notified_at=timezone.now()):
        return
    if purchase.state == State.CREDITED:
        emails.auto_top_up_succeeded(purchase)
        return
    agreement = AutoTopUp.objects.select_related("account__organisation").get(account=purchase.account_id)
    allowed = eligibility(agreement)
    if allowed.stop_reason:
        _turn_off(agreement, allowed.stop_reason)
    else:
        emails.auto_top_up_failed(purchase, allowed.retry_at)


@transaction.atomic
def _turn_off(agreement: AutoTopUp, reason: str) -> None:
    if turn_off(agreement.account, reason):
        logger.info("auto top-up of account %s turned off: %s", agreement.account_id, reason)
        emails.auto_top_up_stopped(agreement.account, reason)
