"""Cards that are kept for auto top-up, told with the payments sandbox over HTTP."""

from django.utils import timezone

from billing.models import AutoTopUp, CreditAccount, ProviderEvent, SavedCard
from billing.payments import cards
from billing.providers import stripe
from tests.billing.auto_top_ups import save_card
from tests.billing.conftest import credits_of, deliver


def test_a_card_is_saved_without_paying(sandbox, card, empty_account, alice):
    assert str(card) == "Visa ending in 4242"
    assert (card.account, card.user, card.state) == (empty_account, alice, "active")
    assert credits_of(empty_account) == 0


def test_a_saved_card_is_learned_from_the_webhook_too(client, sandbox, empty_account, alice):
    session = cards.open_setup_page(empty_account, alice, site="http://testserver").rsplit("/", 1)[1]
    sandbox._post(f"/_test/sessions/{session}/pay", card="5555555555554444")
    told = next(
        event
        for event in sandbox._all("events")
        if event["type"] == "checkout.session.completed" and event["data"]["object"]["id"] == session
    )

    for _ in range(2):
        assert deliver(client, told).status_code == 200
    assert str(SavedCard.objects.get()) == "Mastercard ending in 4444"
    assert cards.save_from_setup(session) == SavedCard.objects.get()
    assert ProviderEvent.objects.get().state == ProviderEvent.State.DONE


def test_a_page_that_was_not_finished_saves_nothing(sandbox, empty_account, alice):
    session = cards.open_setup_page(empty_account, alice, site="http://testserver").rsplit("/", 1)[1]
    assert cards.save_from_setup(session) is None
    assert cards.save_from_setup("cs_made_up") is None


def test_the_page_of_a_purchase_saves_nothing(sandbox, purchase):
    sandbox.pay(purchase)
    assert cards.save_from_setup(purchase.provider_session) is None
    assert not SavedCard.objects.exists()


def test_the_same_card_saved_again_takes_the_place_of_the_first(sandbox, agreement, empty_account, alice):
    second = save_card(sandbox, empty_account, alice)

    assert SavedCard.objects.filter(state="active").get() == second
    assert AutoTopUp.objects.get().card == second


def test_a_removed_card_is_forgotten_by_the_provider_and_switches_off(sandbox, agreement, card, empty_account):
    cards.remove(card)

    assert stripe.fetch_card(card.provider_method) is None
    agreement.refresh_from_db()
    assert not agreement.is_on
    assert "was removed" in agreement.off_reason
    assert CreditAccount.objects.get().auto_top_up_below is None
    cards.remove(card)  # harmless


def test_a_card_that_the_bank_renews_is_known_by_its_new_date(client, sandbox, card):
    sandbox._post(f"/_test/payment_methods/{card.provider_method}/renew", exp_month=7, exp_year=2040)
    told = next(event for event in sandbox._all("events") if event["type"] == "payment_method.automatically_updated")

    assert deliver(client, told).status_code == 200
    card.refresh_from_db()
    assert (card.exp_month, card.exp_year) == (7, 2040)


def test_an_expired_saved_card_says_so(card):
    card.exp_year, card.exp_month = 2020, 1
    assert card.has_expired
    now = timezone.now()
    card.exp_year, card.exp_month = now.year, now.month
    assert not card.has_expired
