"""The auto top-up page and its permissions."""

import pytest

from billing.models import AutoTopUp, CreditAccount, SavedCard
from billing.payments import auto_top_up_charges, cards
from common.money import PICO_PER_CENT
from tests.billing.auto_top_ups import save_card, turn_on
from tests.billing.conftest import hidden

PAGE = "/settings/credits/auto-top-up"


def terms(**changes) -> dict:
    return {
        "threshold": "5", "amount": "25", "daily_limit": "100", "card": SavedCard.objects.get().pk, "consent": "on",
    } | changes  # fmt: skip


def test_without_a_card_the_page_asks_for_one(alice_client, sandbox, organisation):
    page = alice_client.get(PAGE).content.decode()
    assert "No saved cards." in page
    assert "Turn on" not in page

    response = alice_client.post("/settings/credits/cards/add")
    assert response.url.startswith(f"{sandbox.address}/c/pay/")


def test_the_card_is_shown_after_the_setup_page(alice_client, sandbox, empty_account, alice):
    session = cards.open_setup_page(empty_account, alice, site="http://testserver").rsplit("/", 1)[1]
    sandbox.post(f"/_test/sessions/{session}/pay", card="4242424242424242")
    page = alice_client.get(f"/settings/credits/cards/return?s={session}", follow=True).content.decode()
    assert "Visa ending in 4242 added." in page
    assert "Turn on" in page


def test_turning_it_on_records_the_consent(alice_client, alice, card, empty_account):
    assert alice_client.post(PAGE, terms()).status_code == 302

    agreement = AutoTopUp.objects.get()
    assert agreement.is_on
    assert (agreement.threshold_cents, agreement.amount_cents, agreement.daily_limit_cents) == (500, 2500, 10_000)
    assert (agreement.consent_by, agreement.consent_ip) == (alice, "127.0.0.1")
    assert (
        "to charge Visa ending in 4242 $26.38 ($25.00 of credits and a platform fee of $1.38)" in agreement.consent_text
    )
    assert CreditAccount.objects.get().auto_top_up_below == 500 * PICO_PER_CENT
    page = alice_client.get(PAGE).content.decode()
    assert "Save changes" in page and "Turn off" in page
    assert "Buys $25.00 in credits with Visa ending in 4242" in alice_client.get("/settings/credits").content.decode()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"consent": ""}, "Check the box to allow automatic charges"),
        ({"card": "999999"}, "Choose one of your saved cards."),
        ({"card": ""}, "Choose a card to charge."),
        ({"threshold": "30"}, "Enter $25.00 or less. The threshold"),
        ({"threshold": "0.5"}, "Enter $1.00 or more."),
        ({"threshold": "x"}, "Enter an amount in dollars"),
        ({"amount": "3"}, "The minimum purchase is $5.00"),
        ({"daily_limit": "20"}, "Enter $25.00 or more. Each top-up buys that much."),
    ],
)
def test_invalid_terms_are_explained(alice_client, card, changes, message):
    response = alice_client.post(PAGE, terms(**changes))
    assert response.status_code == 422
    assert message in response.content.decode()
    assert not AutoTopUp.objects.exists()


def test_the_price_follows_the_amount(alice_client, organisation):
    page = alice_client.get(f"{PAGE}/price", {"amount": "14.64"}).content.decode()
    assert "$15.45" in page and "$0.81" in page
    assert "Enter an amount" in alice_client.get(f"{PAGE}/price", {"amount": "?"}).content.decode()


def test_it_can_be_turned_off(alice_client, agreement):
    alice_client.post(f"{PAGE}/off")
    assert not AutoTopUp.objects.get().is_on
    assert AutoTopUp.objects.get().off_reason == ""


def test_an_expired_card_is_marked_and_refused(alice_client, sandbox, empty_account, alice, card):
    expired = save_card(sandbox, empty_account, alice, "5555555555554444")
    SavedCard.objects.filter(pk=expired.pk).update(exp_year=2024)

    page = alice_client.get(PAGE)
    assert "(expired)" in page.content.decode()
    assert page.context["form"].initial["card"] == card

    chosen = {"threshold": "5", "amount": "25", "daily_limit": "100", "card": expired.pk, "consent": "on"}
    response = alice_client.post(PAGE, chosen)
    assert response.status_code == 422
    assert "has expired. Choose another card or add a new one." in response.content.decode()
    assert not AutoTopUp.objects.exists()


def test_both_pages_say_why_it_was_turned_off(alice_client, sandbox, empty_account, alice):
    turn_on(empty_account, alice, save_card(sandbox, empty_account, alice, "4000002760003184"))
    auto_top_up_charges.charge_if_low(empty_account.pk)
    for address in (PAGE, "/settings/credits"):
        assert "Your bank requires authentication." in alice_client.get(address).content.decode()


def test_a_card_can_be_removed(alice_client, agreement, card):
    alice_client.post(f"/settings/credits/cards/{card.pk}/remove")
    card.refresh_from_db()
    assert card.state == "removed"
    assert not AutoTopUp.objects.get().is_on


def test_the_page_says_until_when_it_waits(alice_client, declining_agreement, empty_account):
    auto_top_up_charges.charge_if_low(empty_account.pk)
    assert "The last charge was declined. Auto top-up is waiting until" in alice_client.get(PAGE).content.decode()


def test_a_member_cannot_see_or_change_it(bob_client, agreement, card):
    for address in (PAGE, f"{PAGE}/price?amount=10"):
        assert bob_client.get(address).status_code == 403
    for address in (PAGE, f"{PAGE}/off", "/settings/credits/cards/add", f"/settings/credits/cards/{card.pk}/remove"):
        assert bob_client.post(address, terms()).status_code == 403
    assert "Auto top-up" not in bob_client.get("/settings/credits").content.decode()
    assert AutoTopUp.objects.get().is_on


def test_a_stranger_cannot_use_or_remove_the_card(charlie_client, sandbox, empty_account, alice, card, agreement):
    assert charlie_client.post(f"/settings/credits/cards/{card.pk}/remove").status_code == 404
    assert charlie_client.post(PAGE, terms()).status_code == 422
    session = cards.open_setup_page(empty_account, alice, site="http://testserver").rsplit("/", 1)[1]
    sandbox.post(f"/_test/sessions/{session}/pay", card="5555555555554444")
    assert charlie_client.get(f"/settings/credits/cards/return?s={session}").status_code == 404
    card.refresh_from_db()
    assert card.state == "active"
    assert not SavedCard.objects.exclude(account=empty_account).exists()


def test_every_change_needs_a_csrf_token(alice, agreement):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    strict.force_login(alice)
    for address in (PAGE, f"{PAGE}/off", "/settings/credits/cards/add"):
        assert strict.post(address, terms()).status_code == 403
    assert hidden(strict.get(PAGE).content.decode(), "csrfmiddlewaretoken")


def test_the_credits_page_says_that_it_waits(alice_client, declining_agreement, empty_account):
    assert auto_top_up_charges.charge_if_low(empty_account.pk).state == "failed"
    page = alice_client.get("/settings/credits").content.decode()
    assert ">Waiting</span>" in page
    assert "The last charge was declined. Waiting until" in page
