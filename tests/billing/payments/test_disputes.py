"""Disputes: taking and restoring credits, freezing and unfreezing the account."""

import pytest
from django.core import mail
from django.db import IntegrityError, transaction
from django.test import Client

from billing.credits import ledger, reconciliation
from billing.models import CreditAccount, Dispute, LedgerEntry, Lot, Purchase
from billing.payments import auto_top_up_charges, disputes, purchases, refunds, sweeps
from billing.providers import stripe
from common.money import PICO_PER_CENT, PicoUsd, pico_from_cents
from tests.billing.at_once import all_at_once
from tests.billing.auto_top_ups import save_card, turn_on
from tests.billing.conftest import buy, credits_of, deliver, paid, sound, spend

State = Dispute.State


def dispute(sandbox, purchase: Purchase, **how) -> str:
    """Open a dispute at the bank; its id."""
    return sandbox.post("/_test/disputes", payment_intent=purchase.provider_payment, **how)["id"]


def events_of(sandbox, dispute_id: str, *types: str) -> list[dict]:
    events = [event for event in sandbox.list_events() if event["data"]["object"]["id"] == dispute_id]
    return [event for event in reversed(events) if not types or event["type"] in types]


def cents(amount: int) -> int:
    return amount // PICO_PER_CENT


def test_a_dispute_takes_the_credits_and_freezes_the_account(client, sandbox, bought, empty_account):
    events = events_of(sandbox, dispute(sandbox, bought))
    assert [event["type"] for event in events] == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]

    for event in [*events, *events]:
        assert deliver(client, event).status_code == 200

    found = Dispute.objects.get()
    assert (found.state, found.cents, found.reason, found.purchase) == (State.OPEN, 1080, "fraudulent", bought)
    assert found.due_by is not None
    empty_account.refresh_from_db()
    assert (empty_account.credits, empty_account.purchased) == (0, 0)
    assert empty_account.frozen_reason == disputes.FREEZE_REASON
    assert LedgerEntry.objects.get(kind="dispute").amount == -pico_from_cents(1000)
    assert sound()


def test_a_dispute_takes_spent_credits_and_the_balance_becomes_negative(client, sandbox, bought, empty_account):
    spend(empty_account, used=700, held=100)
    deliver(client, events_of(sandbox, dispute(sandbox, bought))[0])

    empty_account.refresh_from_db()
    assert cents(empty_account.balance) == -700
    assert empty_account.frozen_reason
    assert sound()


def test_a_won_dispute_restores_the_credits_and_unfreezes_the_account(client, sandbox, bought, empty_account):
    spend(empty_account, used=700)
    taken = dispute(sandbox, bought)
    deliver(client, events_of(sandbox, taken)[0])
    sandbox.post(f"/_test/disputes/{taken}/win")
    closing = events_of(sandbox, taken, "charge.dispute.closed", "charge.dispute.funds_reinstated")
    assert len(closing) == 2

    for event in [*reversed(closing), *closing]:
        assert deliver(client, event).status_code == 200

    empty_account.refresh_from_db()
    assert (cents(empty_account.credits), cents(empty_account.purchased)) == (1000, 1000)
    assert empty_account.frozen_reason == ""
    assert Dispute.objects.get().state == State.WON
    assert Dispute.objects.get().closed_at is not None
    assert cents(Lot.objects.get().amount) == 1000
    assert sound()


def test_an_outdated_response_does_not_undo_a_decision(sandbox, bought, monkeypatch):
    taken = dispute(sandbox, bought)
    disputes.sync(bought)
    earlier = stripe.disputes_of(bought.provider_payment)
    sandbox.post(f"/_test/disputes/{taken}/win")
    disputes.sync(bought)

    monkeypatch.setattr(stripe, "disputes_of", lambda payment: earlier)
    disputes.sync(bought)

    assert Dispute.objects.get().state == State.WON
    assert CreditAccount.objects.get().frozen_reason == ""
    assert sound()


def test_after_a_lost_dispute_an_operator_decides(client, sandbox, bought, empty_account):
    taken = dispute(sandbox, bought)
    sandbox.post(f"/_test/disputes/{taken}/lose")
    for event in events_of(sandbox, taken):
        deliver(client, event)

    assert Dispute.objects.get().state == State.LOST
    empty_account.refresh_from_db()
    assert (credits_of(empty_account), empty_account.frozen_reason) == (0, disputes.FREEZE_REASON)
    assert disputes.unfreeze(empty_account) is True
    empty_account.refresh_from_db()
    assert empty_account.frozen_reason == ""
    assert sound()


def test_an_account_cannot_be_unfrozen_before_its_debt_is_paid(client, sandbox, bought, empty_account, alice):
    spend(empty_account, used=400)
    taken = dispute(sandbox, bought)
    sandbox.post(f"/_test/disputes/{taken}/lose")
    deliver(client, events_of(sandbox, taken)[-1])

    assert disputes.unfreeze(empty_account) is False
    paid(sandbox, empty_account, alice, 500)  # pays the debt first
    empty_account.refresh_from_db()
    assert cents(empty_account.balance) == 100
    assert disputes.unfreeze(empty_account) is True
    assert sound()


def test_an_inquiry_takes_no_credits(client, sandbox, bought, empty_account):
    asked = dispute(sandbox, bought, inquiry=True)
    deliver(client, events_of(sandbox, asked)[0])

    assert Dispute.objects.get().state == State.INQUIRY
    empty_account.refresh_from_db()
    assert (credits_of(empty_account), empty_account.frozen_reason) == (1000, "")

    sandbox.post(f"/_test/disputes/{asked}/win")
    deliver(client, events_of(sandbox, asked, "charge.dispute.closed")[0])
    assert Dispute.objects.get().state == State.CLOSED
    assert credits_of(empty_account) == 1000


def test_a_lost_inquiry_takes_the_credits(client, sandbox, bought, empty_account):
    asked = dispute(sandbox, bought, inquiry=True)
    deliver(client, events_of(sandbox, asked)[0])
    sandbox.post(f"/_test/disputes/{asked}/lose")
    deliver(client, events_of(sandbox, asked, "charge.dispute.closed")[0])

    assert Dispute.objects.get().state == State.LOST
    assert credits_of(empty_account) == 0
    assert sound()


def test_the_account_stays_frozen_until_the_last_dispute_is_settled(client, sandbox, bought, empty_account, alice):
    other = paid(sandbox, empty_account, alice, 2000)
    first, second = dispute(sandbox, bought), dispute(sandbox, other)
    for taken in (first, second):
        deliver(client, events_of(sandbox, taken)[0])
    assert credits_of(empty_account) == 0

    sandbox.post(f"/_test/disputes/{first}/win")
    deliver(client, events_of(sandbox, first)[-1])
    empty_account.refresh_from_db()
    assert (credits_of(empty_account), empty_account.frozen_reason) == (1000, disputes.FREEZE_REASON)

    sandbox.post(f"/_test/disputes/{second}/win")
    deliver(client, events_of(sandbox, second)[-1])
    empty_account.refresh_from_db()
    assert (credits_of(empty_account), empty_account.frozen_reason) == (3000, "")
    assert sound()


def test_a_won_dispute_does_not_undo_a_freeze_by_an_operator(client, sandbox, bought, empty_account):
    CreditAccount.objects.update(frozen_reason="Asked to close the account.")
    taken = dispute(sandbox, bought)
    deliver(client, events_of(sandbox, taken)[0])
    sandbox.post(f"/_test/disputes/{taken}/win")
    deliver(client, events_of(sandbox, taken)[-1])

    empty_account.refresh_from_db()
    assert (credits_of(empty_account), empty_account.frozen_reason) == (1000, "Asked to close the account.")


def test_a_dispute_does_not_take_refunded_credits_again(client, sandbox, bought, empty_account, alice):
    spend(empty_account, used=300)
    refunds.request(bought, alice, cents=700)
    deliver(client, events_of(sandbox, dispute(sandbox, bought))[0])

    empty_account.refresh_from_db()
    assert cents(empty_account.credits) == 0
    assert LedgerEntry.objects.get(kind="dispute").amount == -pico_from_cents(300)
    assert sound()


def test_a_disputed_payment_cannot_be_refunded(client, sandbox, bought, alice):
    deliver(client, events_of(sandbox, dispute(sandbox, bought))[0])
    with pytest.raises(refunds.NotRefundable, match="disputed"):
        refunds.offer(bought)


def test_auto_top_up_does_not_charge_for_a_frozen_account(client, sandbox, bought, empty_account, alice):
    turn_on(empty_account, alice, save_card(sandbox, empty_account, alice))
    deliver(client, events_of(sandbox, dispute(sandbox, bought))[0])
    assert auto_top_up_charges.charge_if_low(empty_account.pk) is None


def test_a_dispute_before_the_credit_is_recorded_with_it(sandbox, empty_account, alice):
    purchase = buy(empty_account, alice)
    sandbox.pay(purchase, card="4000000000000259")  # disputed as soon as it is paid

    purchase = purchases.sync(purchase)

    assert purchase.state == Purchase.State.CREDITED
    assert Dispute.objects.get().state == State.OPEN
    assert credits_of(empty_account) == 0
    assert sound()


def test_a_dispute_without_an_event_is_found_by_listing(sandbox, bought, empty_account):
    taken = dispute(sandbox, bought)
    sweeps.recover_missed_payments()
    assert credits_of(empty_account) == 0

    sandbox.post(f"/_test/disputes/{taken}/win")
    sweeps.recover_missed_payments()
    assert credits_of(empty_account) == 1000
    assert CreditAccount.objects.get().frozen_reason == ""


def test_the_owner_is_emailed_once(client, sandbox, bought, empty_account, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        for event in events_of(sandbox, dispute(sandbox, bought)):
            deliver(client, event)

    (message,) = mail.outbox
    assert message.subject == "Your account is frozen because of a disputed payment"
    assert message.to == ["alice@example.com"]
    assert "$10.80" in message.body


def test_the_credits_page_says_that_the_account_is_frozen(alice_client, client, sandbox, bought):
    deliver(client, events_of(sandbox, dispute(sandbox, bought))[0])
    page = alice_client.get("/settings/credits").content.decode()
    assert "This account is frozen." in page and disputes.FREEZE_REASON in page
    assert "-$10.00" in page  # in the history


def test_an_early_fraud_warning_is_logged(client, sandbox, empty_account, alice, caplog):
    purchase = paid(sandbox, empty_account, alice, card="4000000000005423")
    warning = sandbox.event("radar.early_fraud_warning.created")

    assert deliver(client, warning).status_code == 200
    assert (
        f"purchase {purchase.pk}: early fraud warning {warning['data']['object']['id']}, the card may be stolen"
        in caplog.text
    )
    assert credits_of(empty_account) == 1000


@pytest.mark.django_db(transaction=True)
def test_a_dispute_synced_from_everywhere_at_once_is_recorded_once(sandbox, bought, empty_account):
    events = events_of(sandbox, dispute(sandbox, bought))

    results = all_at_once(
        *[lambda event=event: deliver(Client(), event).status_code for event in events * 2],
        lambda: disputes.sync(bought),
        sweeps.recover_missed_payments,
    )

    assert not [each for each in results if isinstance(each, Exception)], results
    assert set(results[:-2]) == {200}
    assert LedgerEntry.objects.filter(kind="dispute").count() == 1
    assert credits_of(empty_account) == 0
    assert sound()


@pytest.mark.django_db(transaction=True)
def test_a_refund_and_a_dispute_at_once_never_take_the_same_credits(sandbox, bought, empty_account, alice):
    dispute(sandbox, bought)

    all_at_once(lambda: refunds.request(bought, alice, cents=1000), lambda: disputes.sync(bought))

    disputes.sync(bought)
    refunds.sync(bought)
    assert credits_of(empty_account) == 0
    assert sound()


def test_credits_are_clawed_back_from_frozen_accounts_only(bought, empty_account):
    spend(empty_account, used=400)
    lot = Lot.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():
        ledger.claw_back(lot, PicoUsd(lot.amount), kind=LedgerEntry.Kind.DISPUTE, reference="x")
    assert credits_of(empty_account) == 1000


def test_a_dispute_whose_state_does_not_match_its_entries_is_a_fault(client, sandbox, bought):
    deliver(client, events_of(sandbox, dispute(sandbox, bought))[0])
    Dispute.objects.update(state=State.WON)
    found = Dispute.objects.get().provider_dispute
    assert [fault.row for fault in reconciliation.faults()] == [f"ledger entries of dispute {found}"]
