"""What the tests of saved cards and of auto top-up share; the fixtures reach them through `conftest.py`."""

from datetime import timedelta

import pytest

from billing.models import AutoTopUp, CreditAccount, Purchase, SavedCard
from billing.payments import auto_top_up, cards

__all__ = ["agreement", "card", "committed", "declining"]


def save_card(sandbox, account, user, number: str = "4242424242424242") -> SavedCard:
    """The person saves a card on the provider's page and comes back."""
    session = cards.open_page(account, user, site="http://testserver").rsplit("/", 1)[1]
    sandbox._post(f"/_test/sessions/{session}/pay", card=number)
    card = cards.keep(session)
    assert card is not None
    return card


def agree(account, user, card, **changes) -> AutoTopUp:
    """$10 whenever the balance is below $5, at most $100 a day; unless `changes` say otherwise."""
    terms = {"threshold_cents": 500, "amount_cents": 1000, "daily_limit_cents": 10_000} | changes
    return auto_top_up.switch_on(account, user, card, ip="192.0.2.1", consent="I allow it.", **terms)


def payments(sandbox, purchase: Purchase) -> list[str]:
    """What became of every payment that the provider has of this purchase."""
    found = sandbox._get(f"/v1/payment_intents?limit=100&customer={purchase.provider_customer}")["data"]
    return [each["status"] for each in found if each["metadata"].get("purchase") == str(purchase.pk)]


def later(hours: float) -> None:
    """All attempts were made so many hours earlier."""
    for purchase in Purchase.objects.all():
        moved = {
            name: getattr(purchase, name) - timedelta(hours=hours)
            for name in ("created_at", "synced_at")
            if getattr(purchase, name)
        }
        Purchase.objects.filter(pk=purchase.pk).update(**moved)
    AutoTopUp.objects.update(resumed_at=AutoTopUp.objects.get().resumed_at - timedelta(hours=hours))


def spend_all(account: CreditAccount) -> None:
    CreditAccount.objects.filter(pk=account.pk).update(usage=CreditAccount.objects.get(pk=account.pk).credits)


#: Can be saved; declines when it is charged.
DECLINES_LATER = "4000000000000341"


@pytest.fixture
def card(sandbox, empty_account, alice) -> SavedCard:
    return save_card(sandbox, empty_account, alice)


@pytest.fixture
def agreement(empty_account, alice, card) -> AutoTopUp:
    """Alice's empty account tops itself up."""
    return agree(empty_account, alice, card)


@pytest.fixture
def declining(sandbox, empty_account, alice) -> AutoTopUp:
    return agree(empty_account, alice, save_card(sandbox, empty_account, alice, DECLINES_LATER))


@pytest.fixture
def committed(django_capture_on_commit_callbacks):
    """`with committed():` what happens inside is committed, so that its mails are sent."""
    return lambda: django_capture_on_commit_callbacks(execute=True)
