"""Cards saved for auto top-up on a setup page."""

from django.utils import timezone

from billing.models import AutoTopUp, CreditAccount, ProviderEvent, SavedCard
from billing.payments import cards
from billing.providers import stripe
from tests.billing.auto_top_ups import save_card
from tests.billing.conftest import credits_of, deliver


def test_a_card_is_saved_without_a_payment(sandbox, card, empty_account, alice):
    assert str(card) == "Visa ending in 4242"
    assert (card.account, card.user, card.state) == (empty_account, alice, "active")
    assert credits_of(empty_account) == 0


def test_the_webhook_saves_the_card_too(client, sandbox, empty_account, alice):
    session = cards.open_setup_page(empty_account, alice, site="http://testserver").rsplit("/", 1)[1]
    sandbox.post(f"/_test/sessions/{session}/pay", card="5555555555554444")
    event = sandbox.event("checkout.session.completed", session)

    for _ in range(2):
        assert deliver(client, event).status_code == 200
    assert str(SavedCard.objects.get()) == "Mastercard ending in 4444"
    assert cards.save_from_setup(session) == SavedCard.objects.get()
    assert ProviderEvent.objects.get().state == ProviderEvent.State.DONE


def test_an_unfinished_page_saves_no_card(sandbox, empty_account, alice):
    session = cards.open_setup_page(empty_account, alice, site="http://testserver").rsplit("/", 1)[1]
    assert cards.save_from_setup(session) is None
    assert cards.save_from_setup("cs_made_up") is None


def test_the_payment_page_of_a_purchase_is_no_setup_page(sandbox, purchase):
    sandbox.pay(purchase)
    assert cards.save_from_setup(purchase.provider_session) is None
    assert not SavedCard.objects.exists()


def test_a_card_saved_again_replaces_the_first_copy(sandbox, agreement, empty_account, alice):
    second = save_card(sandbox, empty_account, alice)

    assert SavedCard.objects.filter(state="active").get() == second
    assert AutoTopUp.objects.get().card == second


def test_removing_a_card_deletes_it_at_the_provider_and_turns_auto_top_up_off(sandbox, agreement, card, empty_account):
    cards.remove(card)

    assert stripe.fetch_card(card.provider_method) is None
    agreement.refresh_from_db()
    assert not agreement.is_on
    assert "was removed" in agreement.off_reason
    assert CreditAccount.objects.get().auto_top_up_below is None
    cards.remove(card)  # changes nothing


def test_a_card_detached_at_the_provider_is_removed(client, sandbox, agreement, card):
    stripe.detach_card(card.provider_method)

    assert deliver(client, sandbox.event("payment_method.detached", card.provider_method)).status_code == 200

    card.refresh_from_db()
    agreement.refresh_from_db()
    assert (card.state, agreement.is_on) == ("removed", False)


def test_an_event_about_an_unknown_card_is_ignored(client, sandbox, card):
    SavedCard.objects.all().delete()
    assert deliver(client, sandbox.event("payment_method.attached", card.provider_method)).status_code == 200
    assert ProviderEvent.objects.get().state == ProviderEvent.State.IGNORED


def test_a_setup_page_replaces_a_customer_unknown_to_the_provider(sandbox, empty_account, alice):
    CreditAccount.objects.update(stripe_customer_id="cus_of_another_provider")

    assert save_card(sandbox, empty_account, alice).state == "active"
    assert CreditAccount.objects.get().stripe_customer_id not in {"", "cus_of_another_provider"}


def test_a_card_renewed_by_the_bank_gets_its_new_expiration_date(client, sandbox, card):
    sandbox.post(f"/_test/payment_methods/{card.provider_method}/renew", exp_month=7, exp_year=2040)
    event = sandbox.event("payment_method.automatically_updated")

    assert deliver(client, event).status_code == 200
    card.refresh_from_db()
    assert (card.exp_month, card.exp_year) == (7, 2040)


def test_a_card_is_valid_to_the_end_of_its_month(card):
    card.exp_year, card.exp_month = 2020, 1
    assert card.has_expired
    now = timezone.now()
    card.exp_year, card.exp_month = now.year, now.month
    assert not card.has_expired
