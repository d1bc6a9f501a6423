"""Auto top-up charges with lost responses, and charges that banks decline."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from billing.models import AutoTopUp, CreditAccount, Purchase
from billing.payments import auto_top_up, auto_top_up_charges, sweeps
from billing.providers import stripe
from tests.billing.auto_top_ups import age_charges, payment_statuses, save_card, spend_everything, turn_on
from tests.billing.conftest import credits_of, deliver

State = Purchase.State


# --- Lost responses ---------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", ["drop", "crash"])
def test_a_charge_whose_response_was_lost_is_found_and_credited_once(sandbox, agreement, empty_account, mode):
    """The provider carries the charge out. With `crash` it also repeats the server error for the same key."""
    sandbox.fail(mode, count=3, path="/v1/payment_intents", method="POST")
    purchase = auto_top_up_charges.charge_if_low(empty_account.pk)
    assert purchase.state == State.PROCESSING  # unknown, not failed
    assert auto_top_up_charges.charge_if_low(empty_account.pk) is None  # no second charge

    sweeps.sweep()  # too early: its process may still be waiting for the response
    assert credits_of(empty_account) == 0
    age_charges(0.1)
    sweeps.sweep()
    purchase.refresh_from_db()
    assert purchase.state == State.CREDITED
    assert payment_statuses(sandbox, purchase) == ["succeeded"]
    assert credits_of(empty_account) == 1000


def test_a_charge_that_never_arrived_is_sent_again(sandbox, agreement, empty_account):
    sandbox.fail("refuse", status=503, count=3)
    purchase = auto_top_up_charges.charge_if_low(empty_account.pk)
    assert payment_statuses(sandbox, purchase) == []

    age_charges(0.1)
    sweeps.sweep()
    assert payment_statuses(sandbox, purchase) == ["succeeded"]
    assert credits_of(empty_account) == 1000


def test_a_charge_whose_process_died_before_sending_is_resumed(sandbox, agreement, empty_account, card):
    Purchase.objects.create(
        account=empty_account, source="auto_top_up", card=card, credit_cents=1000, fee_cents=80, fee_basis_points=550,
        provider_customer=CreditAccount.objects.get().stripe_customer_id,
        created_at=timezone.now() - timedelta(minutes=3),
    )  # fmt: skip
    sweeps.sweep()
    assert credits_of(empty_account) == 1000


def test_a_charge_is_not_sent_again_after_a_day(sandbox, agreement, empty_account):
    """The provider has forgotten its key by then, so it could be made twice."""
    sandbox.fail("refuse", status=503, count=3)
    purchase = auto_top_up_charges.charge_if_low(empty_account.pk)
    age_charges(24)

    sweeps.sweep()
    purchase.refresh_from_db()
    assert purchase.state == State.FAILED
    assert payment_statuses(sandbox, purchase) == []


def test_a_charge_that_arrived_is_found_after_a_day(sandbox, agreement, empty_account):
    sandbox.fail("drop", count=3, path="/v1/payment_intents", method="POST")
    auto_top_up_charges.charge_if_low(empty_account.pk)
    Purchase.objects.update(synced_at=timezone.now() - timedelta(hours=24))
    sweeps.sweep()
    assert credits_of(empty_account) == 1000


def test_a_rejected_api_key_is_no_decline(sandbox, agreement, empty_account, settings):
    settings.STRIPE_IS_SANDBOX, settings.STRIPE_SECRET_KEY = False, "sk_test_other"
    purchase = auto_top_up_charges.charge_if_low(empty_account.pk)
    assert purchase.state == State.PROCESSING
    assert AutoTopUp.objects.get().is_on


# --- Declines ---------------------------------------------------------------------------------------


def test_a_declined_charge_is_retried_after_one_and_six_hours_then_turned_off(
    sandbox, declining_agreement, empty_account, committed
):
    with committed():
        first = auto_top_up_charges.charge_if_low(empty_account.pk)
    assert (first.state, first.decline_code) == (State.FAILED, "generic_decline")
    assert "declined" in first.failure

    age_charges(0.9)
    assert auto_top_up_charges.charge_if_low(empty_account.pk) is None
    age_charges(0.2)
    with committed():
        second = auto_top_up_charges.charge_if_low(empty_account.pk)
    assert second.state == State.FAILED
    assert second != first  # a new charge with a new key: for the old key the provider repeats the decline

    age_charges(5.9)
    assert auto_top_up_charges.charge_if_low(empty_account.pk) is None
    assert AutoTopUp.objects.get().is_on
    age_charges(0.2)
    with committed():
        third = auto_top_up_charges.charge_if_low(empty_account.pk)
    assert third.state == State.FAILED

    declining_agreement.refresh_from_db()
    assert not declining_agreement.is_on
    assert declining_agreement.off_reason.startswith("The card was declined 3 times in a row.")
    age_charges(100)
    assert auto_top_up_charges.charge_if_low(empty_account.pk) is None
    assert [message.subject for message in mail.outbox] == [
        "Auto top-up failed",
        "Auto top-up failed",
        "Auto top-up is off",
    ]
    assert "We'll try again after" in mail.outbox[0].body
    assert credits_of(empty_account) == 0


def test_a_success_resets_the_count_of_declines(sandbox, declining_agreement, empty_account, alice):
    auto_top_up_charges.charge_if_low(empty_account.pk)
    age_charges(2)
    AutoTopUp.objects.update(card=save_card(sandbox, empty_account, alice))
    assert auto_top_up_charges.charge_if_low(empty_account.pk).state == State.CREDITED
    spend_everything(empty_account)
    AutoTopUp.objects.update(card=declining_agreement.card)
    age_charges(2)
    auto_top_up_charges.charge_if_low(empty_account.pk)

    declining_agreement.refresh_from_db()
    assert declining_agreement.is_on
    assert auto_top_up.eligibility(declining_agreement).retry_at is not None


def test_a_bank_that_requires_authentication_turns_it_off_at_once(sandbox, empty_account, alice, committed):
    agreement = turn_on(empty_account, alice, save_card(sandbox, empty_account, alice, "4000002760003184"))
    with committed():
        purchase = auto_top_up_charges.charge_if_low(empty_account.pk)

    assert (purchase.state, purchase.decline_code) == (State.FAILED, "authentication_required")
    agreement.refresh_from_db()
    assert not agreement.is_on
    assert "Your bank requires authentication." in agreement.off_reason
    assert [message.subject for message in mail.outbox] == ["Auto top-up is off"]
    assert mail.outbox[0].to == ["alice@example.com"]


def test_a_card_deleted_at_the_provider_turns_it_off_at_once(sandbox, agreement, empty_account, card):
    stripe.detach_card(card.provider_method)
    purchase = auto_top_up_charges.charge_if_low(empty_account.pk)

    assert purchase.state == State.FAILED
    agreement.refresh_from_db()
    assert agreement.off_reason == "Visa ending in 4242 can no longer be charged."


def test_an_outage_is_no_decline(sandbox, agreement, empty_account):
    for _ in range(4):
        sandbox.fail("refuse", status=503, count=3, path="/v1/payment_intents", method="POST")
        auto_top_up_charges.charge_if_low(empty_account.pk)
        age_charges(0.1)
        sweeps.sweep()
    assert AutoTopUp.objects.get().is_on
    assert not Purchase.objects.filter(state=State.FAILED).exists()


def test_turning_it_on_again_resets_the_count_of_declines(sandbox, declining_agreement, empty_account, alice):
    for hours in (0, 2, 7):
        age_charges(hours)
        auto_top_up_charges.charge_if_low(empty_account.pk)
    assert not AutoTopUp.objects.get().is_on

    age_charges(1)
    turn_on(empty_account, alice, save_card(sandbox, empty_account, alice))
    assert auto_top_up_charges.charge_if_low(empty_account.pk).state == State.CREDITED


def test_the_owner_is_emailed_once_per_charge(client, sandbox, agreement, empty_account, committed):
    with committed():
        purchase = auto_top_up_charges.charge_if_low(empty_account.pk)
        for event in sandbox.events(purchase):
            deliver(client, event)
        sweeps.sweep()
    assert len(mail.outbox) == 1
