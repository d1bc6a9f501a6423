"""Following a purchase from its payment page to the ledger entry that credits it.

`checkouts.start` opens the payment page, and the buyer pays there. `sync` fetches the state of the payment from the
provider and credits the account. Webhooks, the page the buyer returns to, periodic tasks and operators all call
`sync`, in any order and number; the first call after the payment credits it, the others change nothing.

Locks are always taken in the same order: purchase, then account.
"""

import logging
from contextlib import suppress

from django.db import transaction
from django.utils import timezone

from billing.credits import expiry, ledger
from billing.models import LedgerEntry, Purchase
from billing.notifications import emails
from billing.providers import registry, stripe
from billing.providers.types import CheckoutClosed, Payment, PaymentStatus, ProviderError
from billing.receipts import receipts
from common.money import format_cents, pico_from_cents

from . import cards, declines, disputes, refunds

__all__ = ["accept", "cancel", "sync"]

logger = logging.getLogger(__name__)

State = Purchase.State

_STATES = {
    PaymentStatus.OPEN: State.OPEN,
    PaymentStatus.PROCESSING: State.PROCESSING,
    PaymentStatus.FAILED: State.FAILED,
    PaymentStatus.EXPIRED: State.EXPIRED,
}


def sync(purchase: Purchase) -> Purchase:
    """The purchase in the state that the provider reports; its credits are added if it has been paid.

    May be called at any time, any number of times at once. Raises ProviderError if the provider cannot be reached or
    refuses; nothing has changed then.
    """
    if purchase.state == State.CREDITED or not (purchase.provider_session or purchase.provider_payment):
        return purchase
    # Fetched outside of any transaction, so no lock is held during the HTTP request.
    payment = _fetch(purchase)
    with transaction.atomic():
        locked = Purchase.objects.select_for_update().get(pk=purchase.pk)
        if locked.state != State.CREDITED:
            was_closed = locked.may_arrive_late
            _apply(locked, payment)
            locked.synced_at = timezone.now()
            locked.save()
            if was_closed and locked.state == State.CREDITED:
                emails.arrived_late(locked)
    if locked.state == State.CREDITED:
        # A payment can be refunded or disputed before it is credited.
        if payment.refunded_cents:
            refunds.sync(locked)
        if payment.is_disputed:
            disputes.sync(locked)
        if locked.saves_card:
            _save_card(locked)
    # Loaded again, so that the account shows its new balance.
    return Purchase.objects.select_related("account__organisation", "user").get(pk=purchase.pk)


def cancel(purchase: Purchase) -> Purchase:
    """The purchase with its payment page closed; credited if the buyer has paid before.

    May be called any number of times at once. A charge of auto top-up has no page and is not canceled. Raises
    ProviderError if the provider cannot be reached: the page may still be open then.
    """
    # The page may be opening right now: `checkouts` closes it then.
    unopened = Purchase.objects.filter(pk=purchase.pk, state=State.CREATED, provider_session=None)
    unopened.filter(source=Purchase.Source.MANUAL).update(state=State.CANCELED)
    purchase.refresh_from_db()
    if purchase.provider_session and purchase.is_pending:
        with suppress(CheckoutClosed):
            registry.provider_of(purchase).gateway.expire_checkout(purchase.provider_session)
    purchase = sync(purchase)
    if Purchase.objects.filter(pk=purchase.pk, state=State.EXPIRED).update(state=State.CANCELED):
        purchase.state = State.CANCELED
    return purchase


def accept(purchase: Purchase) -> Purchase:
    """The purchase, which was under review, credited as quoted by decision of an operator.

    ValueError if it is not under review, or if the provider no longer reports it as paid.
    """
    payment = _fetch(purchase)
    with transaction.atomic():
        locked = Purchase.objects.select_for_update().get(pk=purchase.pk)
        if locked.state != State.REVIEW or payment.status is not PaymentStatus.PAID:
            raise ValueError("Only a paid purchase under review can be accepted.")
        _credit(locked, payment)
        locked.save()
    return locked


def _fetch(purchase: Purchase) -> Payment:
    if purchase.provider_session:
        return registry.provider_of(purchase).gateway.fetch_checkout(purchase.provider_session)
    assert purchase.provider_payment
    return stripe.fetch_payment(purchase.provider_payment)


def _apply(purchase: Purchase, payment: Payment) -> None:
    """Update the locked purchase from its payment; the caller saves it."""
    purchase.transaction = payment.transaction[:100]
    if payment.status is PaymentStatus.PAID:
        if mismatch := _mismatch(purchase, payment):
            purchase.state, purchase.review_reason = State.REVIEW, mismatch[:300]
            purchase.failure = _mismatch_message(purchase, payment)
            logger.error("purchase %s was paid, but not as quoted: %s", purchase.pk, mismatch)
        else:
            _credit(purchase, payment)
        return
    purchase.failure = declines.explain(payment.decline_code, purchase.method)
    purchase.decline_code, purchase.is_final_decline = payment.decline_code[:60], payment.is_final_decline
    is_canceled = purchase.state == State.CANCELED and payment.status is PaymentStatus.EXPIRED
    if not is_canceled:  # to the provider, a page that the buyer canceled is an expired page
        purchase.state = _STATES[payment.status]


def _mismatch(purchase: Purchase, payment: Payment) -> str:
    """The differences between payment and quote, for operators; empty if there are none."""
    provider = registry.provider_of(purchase)
    expected = {
        "purchase": (payment.purchase_id, str(purchase.pk)),
        "reference": (payment.reference, str(purchase.pk)),
        "customer": (payment.customer_id, purchase.provider_customer),
        "currency": (payment.currency, provider.currency),
        "cents requested": (payment.amount_cents, purchase.total_cents),
        "cents received": (payment.received_cents, purchase.total_cents),
        "live mode": (payment.is_live, provider.gateway.is_live()),
    }
    return "; ".join(f"{name} is {found!r}, not {want!r}" for name, (found, want) in expected.items() if found != want)


def _mismatch_message(purchase: Purchase, payment: Payment) -> str:
    """A wrong amount in words, for the buyer; empty if the amount is right."""
    if payment.received_cents == purchase.total_cents:
        return ""
    less_or_more = "less" if payment.received_cents < purchase.total_cents else "more"
    received, total = format_cents(payment.received_cents), format_cents(purchase.total_cents)
    return f"We received {received}, which is {less_or_more} than the total of {total}."


def _credit(purchase: Purchase, payment: Payment) -> None:
    """Add the credits and issue the receipt. The purchase must be locked; the caller saves it."""
    now = timezone.now()
    ledger.add(
        purchase.account,
        pico_from_cents(purchase.credit_cents),
        kind=LedgerEntry.Kind.PURCHASE,
        reference=str(purchase.pk),
        purchase=purchase,
        expires_at=expiry.expiration_date(now),
    )
    # The ledger has locked the account's row, so receipt numbers of an account have no gaps.
    earlier = Purchase.objects.filter(account=purchase.account_id, receipt_number__isnull=False).count()
    purchase.receipt_number = f"{purchase.account_id:06d}-{earlier + 1:04d}"
    purchase.state = State.CREDITED
    purchase.failure = purchase.review_reason = purchase.decline_code = ""
    purchase.provider_payment = payment.payment_id
    purchase.paid_with = payment.paid_with[:60]
    purchase.receipt_url = payment.receipt_url
    purchase.paid_at = payment.paid_at or now
    purchase.credited_at = now
    receipts.issue(purchase)
    logger.info("purchase %s: %s cents credited to account %s", purchase.pk, purchase.credit_cents, purchase.account_id)


def _save_card(purchase: Purchase) -> None:
    try:
        cards.save_from_purchase(purchase)
    except ProviderError as error:
        # The purchase stays credited, and the next sweep tries to save the card again.
        logger.warning("purchase %s: its card is not saved yet: %s", purchase.pk, error)
