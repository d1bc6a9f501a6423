"""Auto top-up charges: when they are made, and their limits."""

import pytest
from django.core import mail
from django.test import Client

from billing import spending, tasks
from billing.models import AutoTopUp, CreditAccount, LedgerEntry, Purchase
from billing.payments import auto_top_up, auto_top_up_charges, refunds, sweeps
from common.money import PICO_PER_CENT
from tests.billing.at_once import all_at_once
from tests.billing.auto_top_ups import age_charges, payment_statuses, spend_everything, turn_on
from tests.billing.conftest import credits_of, deliver, sound

State = Purchase.State


# --- Charging ---------------------------------------------------------------------------------------


def test_a_low_balance_buys_credits_with_the_saved_card(sandbox, agreement, empty_account, alice, committed):
    with committed():
        purchase = auto_top_up_charges.charge_if_low(empty_account.pk)

    assert (purchase.state, purchase.source, purchase.user) == (State.CREDITED, "auto_top_up", alice)
    assert (purchase.credit_cents, purchase.fee_cents) == (1000, 80)  # the same fee as for other purchases
    assert payment_statuses(sandbox, purchase) == ["succeeded"]
    assert credits_of(empty_account) == 1000
    assert purchase.receipt_number
    assert sound()
    assert [message.subject for message in mail.outbox] == ["Auto top-up added $10.00 in credits"]
    assert "Charged to Visa ending in 4242: $10.80" in mail.outbox[0].body


def test_a_balance_at_the_threshold_is_not_low(sandbox, agreement, account):
    CreditAccount.objects.update(usage=500 * PICO_PER_CENT)
    assert auto_top_up_charges.charge_if_low(account.pk) is None

    CreditAccount.objects.update(usage=500 * PICO_PER_CENT + 1)
    assert auto_top_up_charges.charge_if_low(account.pk).state == State.CREDITED


def test_nothing_is_charged_after_it_is_turned_off(sandbox, agreement, empty_account):
    assert auto_top_up.turn_off(empty_account) is True
    assert auto_top_up_charges.charge_if_low(empty_account.pk) is None
    assert auto_top_up.turn_off(empty_account) is False
    assert sweeps.charge_auto_top_ups() == 0


def test_a_frozen_account_is_not_charged(sandbox, agreement, empty_account):
    CreditAccount.objects.update(frozen_reason="A payment is disputed.")
    assert auto_top_up_charges.charge_if_low(empty_account.pk) is None


def test_the_periodic_task_charges_for_low_balances_that_no_request_reported(sandbox, agreement, empty_account):
    assert sweeps.charge_auto_top_ups() == 1
    assert sweeps.charge_auto_top_ups() == 0  # the balance is high again
    assert credits_of(empty_account) == 1000


def test_a_request_that_makes_the_balance_low_starts_the_task_once(
    sandbox, agreement, empty_account, monkeypatch, django_capture_on_commit_callbacks
):
    started = []
    monkeypatch.setattr(tasks.charge_auto_top_up, "delay", started.append)
    account = CreditAccount.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        for _ in range(50):
            spending.report_low_balance(account)
    assert started == [account.pk]

    account.credits = 500 * PICO_PER_CENT  # not low any more
    with django_capture_on_commit_callbacks(execute=True):
        spending.report_low_balance(account)
    assert started == [account.pk]


def test_an_unreachable_broker_does_not_fail_the_request(agreement, monkeypatch, django_capture_on_commit_callbacks):
    started = []

    def fail(account_id):
        started.append(account_id)
        raise ConnectionError

    monkeypatch.setattr(tasks.charge_auto_top_up, "delay", fail)
    account = CreditAccount.objects.get()
    with django_capture_on_commit_callbacks(execute=True):
        spending.report_low_balance(account)
    assert started == [account.pk]


def test_the_task_charges(sandbox, agreement, empty_account):
    tasks.charge_auto_top_up(empty_account.pk)
    assert credits_of(empty_account) == 1000


@pytest.mark.django_db(transaction=True)
def test_sixteen_concurrent_calls_make_one_charge(sandbox, agreement, empty_account):
    results = all_at_once(*[lambda: auto_top_up_charges.charge_if_low(empty_account.pk)] * 16)

    assert not [each for each in results if isinstance(each, Exception)], results
    purchase = Purchase.objects.get()
    assert payment_statuses(sandbox, purchase) == ["succeeded"]
    assert credits_of(empty_account) == 1000
    assert sound()


@pytest.mark.django_db(transaction=True)
def test_task_webhooks_and_sweeps_at_once_credit_one_charge(client, sandbox, agreement, empty_account):
    sandbox.fail("drop", count=3, path="/v1/payment_intents", method="POST")
    purchase = auto_top_up_charges.charge_if_low(empty_account.pk)
    assert purchase.state == State.PROCESSING
    events = sandbox.events(purchase)
    age_charges(1)

    results = all_at_once(
        *[lambda event=event: deliver(Client(), event).status_code for event in events * 2],
        sweeps.sweep,
        sweeps.sweep,
        lambda: auto_top_up_charges.charge_if_low(empty_account.pk),
    )

    assert not [each for each in results if isinstance(each, Exception)], results
    sweeps.sweep()
    assert payment_statuses(sandbox, Purchase.objects.get()) == ["succeeded"]
    assert credits_of(empty_account) == 1000
    assert LedgerEntry.objects.count() == 1
    assert sound()


# --- Limits -----------------------------------------------------------------------------------------


def test_two_charges_are_at_least_a_minute_apart(sandbox, agreement, empty_account):
    auto_top_up_charges.charge_if_low(empty_account.pk)
    spend_everything(empty_account)
    assert auto_top_up_charges.charge_if_low(empty_account.pk) is None

    age_charges(0.02)
    assert auto_top_up_charges.charge_if_low(empty_account.pk).state == State.CREDITED


def test_there_are_at_most_five_charges_in_a_day(sandbox, agreement, empty_account):
    for _ in range(5):
        assert auto_top_up_charges.charge_if_low(empty_account.pk).state == State.CREDITED
        spend_everything(empty_account)
        age_charges(0.5)
    assert auto_top_up_charges.charge_if_low(empty_account.pk) is None
    assert (
        auto_top_up.eligibility(AutoTopUp.objects.get()).wait_reason
        == "The maximum of 5 charges in 24 hours is reached."
    )

    age_charges(22)
    assert auto_top_up_charges.charge_if_low(empty_account.pk).state == State.CREDITED


def test_the_daily_limit_is_respected(sandbox, empty_account, alice, card):
    turn_on(empty_account, alice, card, daily_limit_cents=2500)
    for _ in range(2):
        assert auto_top_up_charges.charge_if_low(empty_account.pk).state == State.CREDITED
        spend_everything(empty_account)
        age_charges(1)
    assert auto_top_up_charges.charge_if_low(empty_account.pk) is None
    assert auto_top_up.eligibility(AutoTopUp.objects.get()).wait_reason == "Your 24-hour limit is reached."


def test_a_charge_keeps_its_quote_when_the_terms_change(sandbox, agreement, empty_account, alice, card):
    sandbox.fail("refuse", status=503, count=3)
    auto_top_up_charges.charge_if_low(empty_account.pk)
    turn_on(empty_account, alice, card, amount_cents=50_000, daily_limit_cents=50_000)
    age_charges(0.1)
    sweeps.sweep()
    assert credits_of(empty_account) == 1000


def test_an_amount_below_a_new_minimum_turns_it_off(sandbox, agreement, empty_account, settings):
    settings.PURCHASE_MINIMUM_CENTS = 2000
    assert auto_top_up_charges.charge_if_low(empty_account.pk) is None
    agreement.refresh_from_db()
    assert "The minimum purchase is $20.00" in agreement.off_reason


def test_a_charge_can_be_refunded_like_any_purchase(sandbox, agreement, empty_account, alice):
    purchase = auto_top_up_charges.charge_if_low(empty_account.pk)
    auto_top_up.turn_off(empty_account)
    assert refunds.request(purchase, alice, cents=1000).state == "succeeded"
    assert sound()
