"""Helpers for tests of saved cards and auto top-up; conftest.py makes the fixtures available."""

from datetime import timedelta

import pytest

from billing.models import AutoTopUp, CreditAccount, Purchase, SavedCard
from billing.payments import auto_top_up, cards

__all__ = ["agreement", "card", "committed", "declining_agreement"]

#: A card that can be saved, and is declined when it is charged.
DECLINED_WHEN_CHARGED = "4000000000000341"


def save_card(sandbox, account, user, number: str = "4242424242424242") -> SavedCard:
    """Save a card on the provider's page and return to our site."""
    session = cards.open_setup_page(account, user, site="http://testserver").rsplit("/", 1)[1]
    sandbox.post(f"/_test/sessions/{session}/pay", card=number)
    card = cards.save_from_setup(session)
    assert card is not None
    return card


def turn_on(account, user, card, **changes) -> AutoTopUp:
    """Turn auto top-up on: by default $10 below a balance of $5, at most $100 in 24 hours."""
    terms = {"threshold_cents": 500, "amount_cents": 1000, "daily_limit_cents": 10_000} | changes
    return auto_top_up.turn_on(account, user, card, auto_top_up.Terms(**terms), ip="192.0.2.1", consent="I allow it.")


def payment_statuses(sandbox, purchase: Purchase) -> list[str]:
    """The status of every payment that the provider has for this purchase."""
    found = sandbox.get(f"/v1/payment_intents?limit=100&customer={purchase.provider_customer}")["data"]
    return [each["status"] for each in found if each["metadata"].get("purchase") == str(purchase.pk)]


def age_charges(hours: float) -> None:
    """Move every charge, and the moment auto top-up was turned on, into the past by that many hours."""
    for purchase in Purchase.objects.all():
        moved = {
            name: getattr(purchase, name) - timedelta(hours=hours)
            for name in ("created_at", "synced_at")
            if getattr(purchase, name)
        }
        Purchase.objects.filter(pk=purchase.pk).update(**moved)
    AutoTopUp.objects.update(turned_on_at=AutoTopUp.objects.get().turned_on_at - timedelta(hours=hours))


def spend_everything(account: CreditAccount) -> None:
    """Bring the balance to zero."""
    CreditAccount.objects.filter(pk=account.pk).update(usage=CreditAccount.objects.get(pk=account.pk).credits)


@pytest.fixture
def card(sandbox, empty_account, alice) -> SavedCard:
    return save_card(sandbox, empty_account, alice)


@pytest.fixture
def agreement(empty_account, alice, card) -> AutoTopUp:
    """Auto top-up turned on for Alice's empty account."""
    return turn_on(empty_account, alice, card)


@pytest.fixture
def declining_agreement(sandbox, empty_account, alice) -> AutoTopUp:
    """The same, with a card that is declined."""
    return turn_on(empty_account, alice, save_card(sandbox, empty_account, alice, DECLINED_WHEN_CHARGED))


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """Code in `with committed():` is treated as committed, so its emails are sent."""
    return lambda: django_capture_on_commit_callbacks(execute=True)
