"""Buying credits: from a quote to a ledger entry.

`start` writes the purchase down and opens a payment page; the buyer pays there; `sync` asks the provider
what became of it and credits the account. The webhook, the browser's return, the clock and an operator
all call `sync` and nothing else: whoever comes first credits, everybody after that finds it done.

Locks are taken in one order everywhere: purchase, then account.
"""

import logging
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from billing.credits import expiry, ledger
from billing.models import CreditAccount, LedgerEntry, Purchase
from billing.notifications import emails
from billing.providers import coinbase, registry, stripe
from billing.providers.types import Checkout, CheckoutClosed, NotFound, Payment, PaymentStatus, ProviderError
from common.money import format_cents, pico_from_cents

from . import cards, customers, declines, disputes, receipts, refunds
from .quotes import Quote

__all__ = ["CHECKOUT_LASTS", "AccountFrozen", "accept", "cancel", "start", "sync"]

logger = logging.getLogger(__name__)

State = Purchase.State

#: How long the payment page stays open. The provider wants at least 30 minutes from the moment at which it
#: gets the request, which with its time-outs and retries may be minutes after ours.
CHECKOUT_LASTS = timedelta(minutes=35)


class AccountFrozen(Exception):
    """Credits that the account buys now could not be used."""


def start(
    account: CreditAccount,
    user: User,
    quote: Quote,
    *,
    method: Purchase.Method,
    form_token: str,
    site: str,
    save_card: bool = False,
) -> Purchase:
    """The purchase of this quote with its payment page open (`checkout_url`).

    The same form sent twice returns the same purchase, in whatever state it is by now. `site` is this site's
    address as the buyer's browser knows it, without a slash at the end. With `save_card` a card that pays is kept
    for auto top-up; other methods cannot be kept. Raises AccountFrozen, and ProviderError when the payment page could
    not be opened; the purchase is then kept as failed, and a new form may try again.
    """
    if CreditAccount.objects.get(pk=account.pk).refuses_purchases:
        raise AccountFrozen
    saves_card = save_card and method == Purchase.Method.CARD
    purchase, _ = Purchase.objects.get_or_create(
        account=account,
        # The back button brings the old form back: with another amount it is another purchase.
        form_token=f"{form_token[:60]}:{method}:{quote.credit_cents}{':saved' if saves_card else ''}",
        defaults={
            "user": user,
            "provider": registry.provider_name(method),
            "method": method,
            "saves_card": saves_card,
            "credit_cents": quote.credit_cents,
            "fee_cents": quote.fee_cents,
            "fee_basis_points": quote.fee_basis_points,
            "expires_at": timezone.now() + CHECKOUT_LASTS,
        },
    )
    if purchase.state != State.CREATED:
        return purchase
    try:
        return _open_checkout(purchase, user, site)
    except ProviderError as error:
        logger.warning("purchase %s: no payment page: %s", purchase.pk, error)
        told = "The payment page could not be opened. Nothing was charged."
        Purchase.objects.filter(pk=purchase.pk, state=State.CREATED).update(state=State.FAILED, failure=told)
        raise


def sync(purchase: Purchase) -> Purchase:
    """The purchase as the provider sees it now, its credits added if it has been paid.

    May be called by anybody, at any time, any number of times at once. Raises ProviderError when the provider
    cannot be asked; nothing has changed then.
    """
    if purchase.state == State.CREDITED or not (purchase.provider_session or purchase.provider_payment):
        return purchase
    # Asked outside of any transaction: no lock waits for somebody else's server.
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
        # Money can go back before its credits have come.
        if payment.refunded_cents:
            refunds.sync(locked)
        if payment.is_disputed:
            disputes.sync(locked)
        if locked.saves_card:
            _keep_card(locked)
    # Read anew, so that the account shows the balance of now and not that of before.
    return Purchase.objects.select_related("account__organisation", "user").get(pk=purchase.pk)


def cancel(purchase: Purchase) -> Purchase:
    """The purchase with its payment page closed; credited instead if the buyer has paid meanwhile.

    Raises ProviderError when the provider cannot be asked: the page may still be open then.
    """
    if purchase.provider_session and purchase.is_pending:
        with suppress(CheckoutClosed):
            registry.provider_of(purchase).gateway.expire_checkout(purchase.provider_session)
    purchase = sync(purchase)
    if Purchase.objects.filter(pk=purchase.pk, state=State.EXPIRED).update(state=State.CANCELED):
        purchase.state = State.CANCELED
    return purchase


def accept(purchase: Purchase) -> Purchase:
    """The purchase under review, credited as quoted because an operator has decided so.

    The provider must still say that it was paid: ValueError when it does not, or when it is not under review.
    """
    payment = _fetch(purchase)
    with transaction.atomic():
        locked = Purchase.objects.select_for_update().get(pk=purchase.pk)
        if locked.state != State.REVIEW or payment.status is not PaymentStatus.PAID:
            raise ValueError("Only a paid purchase under review can be accepted.")
        _credit(locked, payment)
        locked.save()
    return locked


def _keep_card(purchase: Purchase) -> None:
    """The credits are there whether or not the card can be kept now; the clock tries again."""
    try:
        cards.keep_paid_with(purchase)
    except ProviderError as error:
        logger.warning("purchase %s: its card could not be kept yet: %s", purchase.pk, error)


# --- Opening the payment page -----------------------------------------------------------------------


def _open_checkout(purchase: Purchase, user: User, site: str) -> Purchase:
    customer, checkout = _usdc_page(purchase, site) if purchase.is_crypto else _stripe_page(purchase, user, site)
    Purchase.objects.filter(pk=purchase.pk, state__in=(State.CREATED, State.FAILED)).update(
        state=State.OPEN,
        failure="",
        provider_customer=customer,
        provider_session=checkout.id,
        checkout_url=checkout.url,
    )
    purchase.refresh_from_db()
    return purchase


def _stripe_page(purchase: Purchase, user: User, site: str) -> tuple[str, Checkout]:
    """The customer and the page on which they pay."""
    assert purchase.expires_at is not None
    cancel_path = reverse("billing:cancel-purchase", args=[purchase.pk])
    for attempt in ("", ":again"):
        customer = customers.of(purchase.account, user, key=f"{purchase.pk}:customer{attempt}")
        try:
            page = stripe.CheckoutRequest(
                purchase_id=str(purchase.pk),
                customer_id=customer,
                method=purchase.method,
                lines=_lines(purchase),
                receipt_email=user.email,
                save_card=purchase.saves_card,
                success_url=f"{site}{reverse('billing:purchase-return')}?s={{CHECKOUT_SESSION_ID}}",
                cancel_url=f"{site}{cancel_path}",
                expires_at=purchase.expires_at,
            )
            checkout = stripe.open_checkout(page, key=f"{purchase.pk}{attempt}")
            break
        except NotFound:
            if attempt:
                raise
            customers.forget(purchase.account, customer)
    return customer, checkout


def _usdc_page(purchase: Purchase, site: str) -> tuple[str, Checkout]:
    """Nobody, for the provider knows no customers, and the page on which they pay."""
    assert purchase.expires_at is not None
    parts = ", ".join(f"{name} {format_cents(cents)}" for name, cents in _lines(purchase))
    return "", coinbase.open_checkout(
        purchase_id=str(purchase.pk),
        cents=purchase.total_cents,
        description=parts,
        # Coming back does not cancel: what was sent a moment ago may not have been seen yet.
        return_url=f"{site}{purchase.get_absolute_url()}",
        expires_at=purchase.expires_at,
        key=str(purchase.pk),
    )


def _lines(purchase: Purchase) -> list[tuple[str, int]]:
    lines = [("Credits", purchase.credit_cents), ("Platform fee", purchase.fee_cents)]
    return [(name, cents) for name, cents in lines if cents]


# --- What became of it ------------------------------------------------------------------------------


def _fetch(purchase: Purchase) -> Payment:
    if purchase.provider_session:
        return registry.provider_of(purchase).gateway.fetch_checkout(purchase.provider_session)
    assert purchase.provider_payment
    return stripe.fetch_payment(purchase.provider_payment)


def _apply(purchase: Purchase, payment: Payment) -> None:
    purchase.transaction = payment.transaction[:100]
    if payment.status is PaymentStatus.PAID:
        if difference := _difference(purchase, payment):
            purchase.state, purchase.review_reason = State.REVIEW, difference[:300]
            purchase.failure = _told_about(purchase, payment)
            logger.error("purchase %s was paid, but not as quoted: %s", purchase.pk, difference)
        else:
            _credit(purchase, payment)
        return
    purchase.failure = declines.explain(payment.decline_code, purchase.method)
    purchase.decline_code, purchase.is_final_decline = payment.decline_code[:60], payment.is_final_decline
    if payment.status is PaymentStatus.OPEN:
        purchase.state = State.OPEN
    elif payment.status is PaymentStatus.PROCESSING:
        purchase.state = State.PROCESSING
    elif payment.status is PaymentStatus.FAILED:
        purchase.state = State.FAILED
    elif purchase.state != State.CANCELED:  # a cancelled page is an expired page that the buyer closed
        purchase.state = State.EXPIRED


def _difference(purchase: Purchase, payment: Payment) -> str:
    """What the buyer paid other than we quoted; empty when it is exactly that."""
    provider = registry.provider_of(purchase)
    expected = {
        "purchase": (payment.purchase_id, str(purchase.pk)),
        "reference": (payment.reference, str(purchase.pk)),
        "customer": (payment.customer_id, purchase.provider_customer),
        "currency": (payment.currency, provider.currency),
        "cents asked": (payment.amount_cents, purchase.total_cents),
        "cents received": (payment.received_cents, purchase.total_cents),
        "live mode": (payment.is_live, provider.gateway.is_live()),
    }
    return "; ".join(f"{what} is {found!r}, not {want!r}" for what, (found, want) in expected.items() if found != want)


def _told_about(purchase: Purchase, payment: Payment) -> str:
    """What the buyer can be told of the difference; nothing when it is not about the amount."""
    if payment.received_cents == purchase.total_cents:
        return ""
    less_or_more = "less" if payment.received_cents < purchase.total_cents else "more"
    arrived, asked = format_cents(payment.received_cents), format_cents(purchase.total_cents)
    return f"{arrived} arrived, which is {less_or_more} than the {asked} that this purchase costs."


def _credit(purchase: Purchase, payment: Payment) -> None:
    now: datetime = timezone.now()
    ledger.add(
        purchase.account,
        pico_from_cents(purchase.credit_cents),
        kind=LedgerEntry.Kind.PURCHASE,
        reference=str(purchase.pk),
        purchase=purchase,
        expires_at=expiry.expiration_date(now),
    )
    # The account's row is locked now, so that receipts of one account are numbered without gaps.
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
