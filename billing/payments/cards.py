"""Saved cards: stored at the provider, identified here, charged by auto top-up only."""

import logging
import secrets

from django.db import transaction
from django.urls import reverse

from accounts.models import User
from billing.models import CreditAccount, Purchase, SavedCard
from billing.providers import stripe
from billing.providers.types import NotFound

from . import auto_top_up, customers

__all__ = ["open_setup_page", "refresh", "remove", "save_from_purchase", "save_from_setup"]

logger = logging.getLogger(__name__)


def open_setup_page(account: CreditAccount, user: User, *, site: str) -> str:
    """The URL of a page that saves a card without a payment. Raises ProviderError."""
    key = secrets.token_urlsafe(16)  # random, because an unused page costs nothing: every click may open a new one
    for attempt in ("", ":again"):
        customer_id = customers.get_or_create(account, user, key=f"{key}:customer{attempt}")
        try:
            return stripe.open_card_setup(
                customer_id=customer_id,
                user_id=user.public_id,
                success_url=f"{site}{reverse('billing:card-return')}?s={{CHECKOUT_SESSION_ID}}",
                cancel_url=f"{site}{reverse('billing:auto-top-up')}",
                key=f"{key}:page{attempt}",
            ).url
        except NotFound:
            if attempt:
                raise
            customers.discard(account, customer_id)
    raise AssertionError("unreachable")


def save_from_setup(session_id: str) -> SavedCard | None:
    """The card saved on a setup page; None if none was saved, or if the page is not one of ours.

    May be called any number of times, by the webhook and by the page the user returns to. Raises ProviderError.
    """
    try:
        setup = stripe.fetch_card_setup(session_id)
    except NotFound:
        return None
    if setup is None or setup.card is None or setup.card.customer_id != setup.customer_id or not setup.customer_id:
        return None
    account = CreditAccount.objects.filter(stripe_customer_id=setup.customer_id).first()
    if account is None:
        return None
    return _save(account, User.objects.filter(public_id=setup.user_id).first(), setup.card)


def save_from_purchase(purchase: Purchase) -> SavedCard | None:
    """The card that paid for the purchase, saved; None if the provider has not saved one.

    May be called any number of times. Raises ProviderError.
    """
    if not purchase.provider_session:
        return None
    provider_card = stripe.fetch_payment_card(purchase.provider_session)
    if provider_card is None or provider_card.customer_id != purchase.provider_customer:
        return None
    card = _save(purchase.account, purchase.user, provider_card)
    Purchase.objects.filter(pk=purchase.pk).update(card=card)
    return card


def refresh(method_id: str) -> SavedCard | None:
    """The card with its current details from the provider; None if it is not one of ours. Raises ProviderError."""
    card = SavedCard.objects.filter(provider_method=method_id).first()
    if card is None:
        return None
    try:
        current = stripe.fetch_card(method_id)
    except NotFound:
        current = None
    if current is None:
        _mark_removed(card)
    else:
        card.exp_month, card.exp_year, card.last4 = current.exp_month, current.exp_year, current.last4
        card.save(update_fields=["exp_month", "exp_year", "last4"])
    return card


def remove(card: SavedCard) -> None:
    """Delete the card at the provider, and turn off auto top-up if it charges this card. Raises ProviderError."""
    stripe.detach_card(card.provider_method)
    _mark_removed(card)


def _save(account: CreditAccount, user: User | None, provider_card: stripe.Card) -> SavedCard:
    with transaction.atomic():
        CreditAccount.objects.select_for_update().get(pk=account.pk)
        card, is_new = SavedCard.objects.get_or_create(
            provider_method=provider_card.method_id,
            defaults={
                "account": account,
                "user": user,
                "brand": provider_card.brand,
                "last4": provider_card.last4,
                "exp_month": provider_card.exp_month,
                "exp_year": provider_card.exp_year,
                "fingerprint": provider_card.fingerprint,
            },
        )
        if is_new:
            _replace_duplicates(card)
    return card


def _mark_removed(card: SavedCard) -> None:
    card.state = SavedCard.State.REMOVED
    card.save(update_fields=["state"])
    auto_top_up.turn_off_for_card(card)


def _replace_duplicates(card: SavedCard) -> None:
    """Remove earlier copies of a card that was saved again, and let auto top-up charge the new one."""
    if not card.fingerprint:
        return
    copies = SavedCard.objects.filter(account=card.account, fingerprint=card.fingerprint, state=SavedCard.State.ACTIVE)
    for earlier in copies.exclude(pk=card.pk):
        auto_top_up.replace_card(earlier, card)
        earlier.state = SavedCard.State.REMOVED
        earlier.save(update_fields=["state"])
        logger.info("card %s replaces card %s", card.pk, earlier.pk)
