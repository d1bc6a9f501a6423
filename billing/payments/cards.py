"""Saved cards: kept by the provider, named here, charged by auto top-up only."""

import logging
import secrets

from django.db import transaction
from django.urls import reverse

from accounts.models import User
from billing.models import CreditAccount, Purchase, SavedCard
from billing.providers import stripe
from billing.providers.types import NotFound

from . import auto_top_up, customers

__all__ = ["keep", "keep_paid_with", "open_page", "refresh", "remove"]

logger = logging.getLogger(__name__)

Active = SavedCard.State.ACTIVE


def open_page(account: CreditAccount, user: User, *, site: str) -> str:
    """The address of a page on which a card is saved; nothing is paid there. Raises ProviderError."""
    key = secrets.token_urlsafe(16)  # a page that is never used costs nothing: each click may have its own
    for attempt in ("", ":again"):
        customer = customers.of(account, user, key=f"{key}:customer{attempt}")
        try:
            return stripe.open_card_setup(
                customer_id=customer,
                user_id=user.public_id,
                success_url=f"{site}{reverse('billing:card-return')}?s={{CHECKOUT_SESSION_ID}}",
                cancel_url=f"{site}{reverse('billing:auto-top-up')}",
                key=f"{key}:page{attempt}",
            ).url
        except NotFound:
            if attempt:
                raise
            customers.forget(account, customer)
    raise AssertionError("unreachable")


def keep(session_id: str) -> SavedCard | None:
    """The card that was saved on the page; None when none was, or when the page is nothing of ours.

    Webhook and browser both call this, in any order and any number of times. Raises ProviderError.
    """
    try:
        setup = stripe.fetch_card_setup(session_id)
    except NotFound:
        return None
    if setup is None or setup.card is None or setup.card.customer_id != setup.customer_id:
        return None
    account = CreditAccount.objects.filter(stripe_customer_id=setup.customer_id).first() if setup.customer_id else None
    if account is None:
        return None
    return _keep(account, User.objects.filter(public_id=setup.user_id).first(), setup.card)


def keep_paid_with(purchase: Purchase) -> SavedCard | None:
    """The card that paid for the purchase, whose buyer wants it kept; None when the provider has not kept one.

    May be called any number of times. Raises ProviderError.
    """
    if not purchase.provider_session:
        return None
    told = stripe.fetch_payment_card(purchase.provider_session)
    if told is None or told.customer_id != purchase.provider_customer:
        return None
    card = _keep(purchase.account, purchase.user, told)
    Purchase.objects.filter(pk=purchase.pk).update(card=card)
    return card


def _keep(account: CreditAccount, user: User | None, told: stripe.Card) -> SavedCard:
    with transaction.atomic():
        CreditAccount.objects.select_for_update().get(pk=account.pk)
        card, made = SavedCard.objects.get_or_create(
            provider_method=told.method_id,
            defaults={
                "account": account,
                "user": user,
                "brand": told.brand,
                "last4": told.last4,
                "exp_month": told.exp_month,
                "exp_year": told.exp_year,
                "fingerprint": told.fingerprint,
            },
        )
        if made:
            _replace_same(card)
    return card


def refresh(method_id: str) -> SavedCard | None:
    """The card with what the provider knows about it now; None when we never had it. Raises ProviderError."""
    card = SavedCard.objects.filter(provider_method=method_id).first()
    if card is None:
        return None
    try:
        told = stripe.fetch_card(method_id)
    except NotFound:
        told = None
    if told is None:
        _forget(card)
    else:
        card.exp_month, card.exp_year, card.last4 = told.exp_month, told.exp_year, told.last4
        card.save(update_fields=["exp_month", "exp_year", "last4"])
    return card


def remove(card: SavedCard) -> None:
    """Have the provider forget the card; an auto top-up that used it is switched off. Raises ProviderError."""
    stripe.detach_card(card.provider_method)
    _forget(card)


def _forget(card: SavedCard) -> None:
    card.state = SavedCard.State.REMOVED
    card.save(update_fields=["state"])
    auto_top_up.turn_off_for_card(card)


def _replace_same(card: SavedCard) -> None:
    """The same number saved again takes the place of the earlier one, also in auto top-up."""
    if not card.fingerprint:
        return
    same = SavedCard.objects.filter(account=card.account, fingerprint=card.fingerprint, state=Active)
    for earlier in same.exclude(pk=card.pk):
        auto_top_up.replace_card(earlier, card)
        earlier.state = SavedCard.State.REMOVED
        earlier.save(update_fields=["state"])
        logger.info("card %s replaces card %s", card.pk, earlier.pk)
