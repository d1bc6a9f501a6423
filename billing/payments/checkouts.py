"""Starting a purchase: storing its quote and opening a payment page.

`purchases.py` follows it from there.
"""

import logging
from contextlib import suppress
from datetime import timedelta

from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from billing.models import CreditAccount, Purchase
from billing.providers import coinbase, registry, stripe
from billing.providers.types import Checkout, NotFound, ProviderError
from common.money import format_cents

from . import customers
from .quotes import Quote

__all__ = ["PAGE_LIFETIME", "AccountFrozen", "start"]

logger = logging.getLogger(__name__)

State = Purchase.State

#: How long the payment page stays open. The provider requires at least 30 minutes from when it receives the request,
#: which may be minutes later than we compute the time, after time-outs and retries.
PAGE_LIFETIME = timedelta(minutes=35)


class AccountFrozen(Exception):
    """The account is frozen and could not use the credits."""


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
    """A purchase at this quote, with its payment page open (`checkout_url`).

    Submitting the same form twice returns the same purchase, in its current state. `site` is the URL of this site as
    the buyer's browser sees it, without a trailing slash. With `save_card` the card that pays is saved for auto
    top-up; other payment methods cannot be saved.

    Raises AccountFrozen, and ProviderError if the payment page could not be opened. The purchase is then stored as
    failed; a new form can try again.
    """
    if CreditAccount.objects.get(pk=account.pk).refuses_purchases:
        raise AccountFrozen
    saves_card = save_card and method == Purchase.Method.CARD
    purchase, _ = Purchase.objects.get_or_create(
        account=account,
        # The browser's back button reuses the token. With other choices it must become another purchase.
        form_token=f"{form_token[:60]}:{method}:{quote.credit_cents}{':saved' if saves_card else ''}",
        defaults={
            "user": user,
            "provider": registry.provider_name(method),
            "method": method,
            "saves_card": saves_card,
            "credit_cents": quote.credit_cents,
            "fee_cents": quote.fee_cents,
            "fee_basis_points": quote.fee_basis_points,
            "expires_at": timezone.now() + PAGE_LIFETIME,
        },
    )
    if purchase.state != State.CREATED:
        return purchase
    try:
        return _open_page(purchase, user, site)
    except ProviderError as error:
        logger.warning("purchase %s: no payment page: %s", purchase.pk, error)
        message = "The payment page couldn't be opened. You weren't charged."
        Purchase.objects.filter(pk=purchase.pk, state=State.CREATED).update(state=State.FAILED, failure=message)
        raise


def _open_page(purchase: Purchase, user: User, site: str) -> Purchase:
    if purchase.is_crypto:
        customer_id, checkout = "", _open_usdc_page(purchase, site)  # the provider has no customers
    else:
        customer_id, checkout = _open_stripe_page(purchase, user, site)
    Purchase.objects.filter(pk=purchase.pk, state__in=(State.CREATED, State.FAILED)).update(
        state=State.OPEN,
        failure="",
        provider_customer=customer_id,
        provider_session=checkout.id,
        checkout_url=checkout.url,
    )
    purchase.refresh_from_db()
    if purchase.state == State.CANCELED and purchase.provider_session is None:
        # Canceled while the page was opening: no one has its address.
        with suppress(ProviderError):
            registry.provider_of(purchase).gateway.expire_checkout(checkout.id)
    return purchase


def _open_stripe_page(purchase: Purchase, user: User, site: str) -> tuple[str, Checkout]:
    """The customer's id and the payment page. An unknown customer is replaced once."""
    assert purchase.expires_at is not None
    cancel_path = reverse("billing:cancel-purchase", args=[purchase.pk])
    for attempt in ("", ":again"):
        customer_id = customers.get_or_create(purchase.account, user, key=f"{purchase.pk}:customer{attempt}")
        page = stripe.CheckoutRequest(
            purchase_id=str(purchase.pk),
            customer_id=customer_id,
            method=purchase.method,
            lines=_lines(purchase),
            receipt_email=user.email,
            save_card=purchase.saves_card,
            success_url=f"{site}{reverse('billing:purchase-return')}?s={{CHECKOUT_SESSION_ID}}",
            cancel_url=f"{site}{cancel_path}",
            expires_at=purchase.expires_at,
        )
        try:
            return customer_id, stripe.open_checkout(page, key=f"{purchase.pk}{attempt}")
        except NotFound:
            if attempt:
                raise
            customers.discard(purchase.account, customer_id)
    raise AssertionError("unreachable")


def _open_usdc_page(purchase: Purchase, site: str) -> Checkout:
    assert purchase.expires_at is not None
    return coinbase.open_checkout(
        purchase_id=str(purchase.pk),
        cents=purchase.total_cents,
        description=", ".join(f"{name} {format_cents(cents)}" for name, cents in _lines(purchase)),
        # Returning must not cancel the purchase: a payment that was just sent may not be visible yet.
        return_url=f"{site}{purchase.get_absolute_url()}",
        expires_at=purchase.expires_at,
        key=str(purchase.pk),
    )


def _lines(purchase: Purchase) -> list[tuple[str, int]]:
    lines = [("Credits", purchase.credit_cents), ("Platform fee", purchase.fee_cents)]
    return [(name, cents) for name, cents in lines if cents]
