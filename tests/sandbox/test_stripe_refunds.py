"""Refunds, disputes and the merchant's balance: money that comes back."""

from typing import Any

import pytest
import stripe

from tests.processes import wait_until


def test_refunds_add_up_to_the_charge_and_never_more(shop):
    payment = shop.paid(1000)
    refund = shop.v1.refunds.create(
        {"payment_intent": payment.id, "amount": 300, "reason": "requested_by_customer", "metadata": {"refund": "1"}}
    )
    assert (refund.status, refund.amount, refund.charge, refund.metadata["refund"]) == (
        "succeeded",
        300,
        payment.latest_charge,
        "1",
    )

    with pytest.raises(
        stripe.InvalidRequestError, match=r"\(\$7.01\) is greater than unrefunded amount on charge \(\$7.00\)"
    ) as error:
        shop.v1.refunds.create({"payment_intent": payment.id, "amount": 701})
    assert (error.value.http_status, error.value.param) == (400, "amount")

    assert shop.v1.refunds.create({"charge": payment.latest_charge}).amount == 700
    charge = shop.v1.charges.retrieve(payment.latest_charge, {"expand": ["refunds"]})
    assert (charge.amount_refunded, charge.refunded, len(charge.refunds.data)) == (1000, True, 2)
    with pytest.raises(stripe.InvalidRequestError) as error:
        shop.v1.refunds.create({"payment_intent": payment.id})
    assert error.value.code == "charge_already_refunded"
    assert [each.amount for each in shop.v1.refunds.list({"payment_intent": payment.id})] == [700, 300]


def test_a_refund_tells_twice(shop):
    payment = shop.paid()
    refund = shop.v1.refunds.create({"payment_intent": payment.id, "amount": 1})
    assert [event.data.object.id for event in shop.events_about(refund.id, "refund.created")] == [refund.id]
    (event,) = shop.events_about(payment.latest_charge, "charge.refunded")
    assert (event.data.object.amount_refunded, event.data.object.refunded) == (1, False)


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"payment_intent": "pi_nothing"},
        {"charge": "ch_nothing"},
        {"amount": 0},
        {"payment_intent": "pi_x", "reason": "whim"},
    ],
)
def test_a_refund_that_makes_no_sense_is_refused(shop, given):
    with pytest.raises(stripe.InvalidRequestError) as error:
        shop.v1.refunds.create(given)
    assert error.value.http_status == 400


def test_what_was_not_paid_cannot_be_refunded(shop):
    payment = shop.v1.payment_intents.create({"amount": 500, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        shop.v1.refunds.create({"payment_intent": payment.id})
    with pytest.raises(stripe.CardError) as decline:
        shop.paid(card="pm_card_visa_chargeDeclined")
    declined: Any = decline.value
    with pytest.raises(stripe.InvalidRequestError, match="did not succeed"):
        shop.v1.refunds.create({"charge": declined.error.charge})


def test_a_slow_refund_arrives_later(shop):
    refund = shop.v1.refunds.create({"payment_intent": shop.paid(card="pm_card_pendingRefund").id})
    assert refund.status == "pending"
    shop.control("clock", seconds=10)
    assert shop.v1.refunds.retrieve(refund.id).status == "succeeded"
    assert [event.type for event in shop.events_about(refund.id) if event.data.object.object == "refund"] == [
        "refund.created",
        "refund.updated",
        "charge.refund.updated",
    ]


def test_a_slow_refund_arrives_without_anybody_asking(shop, receiver):
    refund = shop.v1.refunds.create({"payment_intent": shop.paid(card="pm_card_pendingRefund").id})
    shop.control("clock", seconds=4)
    receiver.wait_for(lambda: "refund.updated" in receiver.types_about(refund.id), "the refund's end")


def test_a_refund_can_fail_and_its_money_can_be_refunded_again(shop):
    payment = shop.paid(1000, card="pm_card_refundFail")
    refund = shop.v1.refunds.create({"payment_intent": payment.id, "amount": 400})
    shop.control("clock", seconds=10)
    failed = shop.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    assert (failed.status, failed.failure_reason) == ("failed", "lost_or_stolen_card")
    assert failed.failure_balance_transaction.amount == 400
    assert len(shop.events_about(refund.id, "refund.failed")) == 1
    assert shop.v1.charges.retrieve(payment.latest_charge).amount_refunded == 0


def test_any_refund_fails_on_request(shop):
    refund = shop.v1.refunds.create({"payment_intent": shop.paid().id})
    assert shop.control(f"refunds/{refund.id}/fail")["status"] == "failed"
    assert shop.v1.refunds.retrieve(refund.id).status == "failed"


def test_somebody_refunds_in_the_dashboard(shop):
    payment = shop.paid(1000)
    refund = shop.control("refunds", payment_intent=payment.id, amount=250)
    assert [each.id for each in shop.v1.refunds.list({"charge": payment.latest_charge})] == [refund["id"]]
    (event,) = shop.events_about(refund["id"], "refund.created")
    assert event.request.idempotency_key is None


def test_a_disputed_card_takes_the_money_back_at_once(shop):
    payment = shop.paid(1000, card="pm_card_createDispute")
    (dispute,) = shop.v1.disputes.list({"payment_intent": payment.id}).data
    assert (dispute.amount, dispute.reason, dispute.status) == (1000, "fraudulent", "needs_response")
    assert [entry.net for entry in dispute.balance_transactions] == [-2500]
    assert shop.v1.charges.retrieve(payment.latest_charge).disputed
    assert [event.type for event in shop.events_about(dispute.id)] == [
        "charge.dispute.created",
        "charge.dispute.funds_withdrawn",
    ]
    with pytest.raises(stripe.InvalidRequestError, match="charged back") as error:
        shop.v1.refunds.create({"payment_intent": payment.id})
    assert error.value.code == "charge_disputed"


def test_a_dispute_is_opened_and_won(shop):
    payment = shop.paid(1000)
    dispute = shop.control("disputes", payment_intent=payment.id, reason="product_not_received")
    won = shop.control(f"disputes/{dispute['id']}/win")
    assert (won["status"], sum(entry["net"] for entry in won["balance_transactions"])) == ("won", 0)
    assert [event.type for event in shop.events_about(dispute["id"])][2:] == [
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]


def test_a_dispute_is_lost(shop):
    dispute = shop.control("disputes", charge=shop.paid().latest_charge)
    assert shop.control(f"disputes/{dispute['id']}/lose")["status"] == "lost"
    assert [event.type for event in shop.events_about(dispute["id"])][2:] == ["charge.dispute.closed"]
    with pytest.raises(AssertionError, match="is closed"):
        shop.control(f"disputes/{dispute['id']}/win")


def test_an_inquiry_takes_no_money(shop):
    payment = shop.paid(card="pm_card_createDisputeInquiry")
    (dispute,) = shop.v1.disputes.list({"charge": payment.latest_charge}).data
    assert (dispute.status, dispute.is_charge_refundable, dispute.balance_transactions) == (
        "warning_needs_response",
        True,
        [],
    )
    assert shop.control(f"disputes/{dispute.id}/win")["status"] == "warning_closed"


@pytest.mark.parametrize(
    ("text", "status"), [("winning_evidence", "won"), ("losing_evidence", "lost"), ("a letter", "under_review")]
)
def test_evidence_decides_a_dispute(shop, text, status):
    (dispute,) = shop.v1.disputes.list({"payment_intent": shop.paid(card="pm_card_createDispute").id}).data
    draft = shop.v1.disputes.update(dispute.id, {"evidence": {"customer_name": "Alice"}, "submit": False})
    assert (draft.status, draft.evidence_details.has_evidence) == ("needs_response", True)
    assert shop.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": text}}).status == status


def test_a_dispute_can_be_given_up(shop):
    (dispute,) = shop.v1.disputes.list({"payment_intent": shop.paid(card="pm_card_createDispute").id}).data
    assert shop.v1.disputes.close(dispute.id).status == "lost"


def test_an_early_fraud_warning_is_told(shop, receiver):
    payment = shop.paid(card="pm_card_createIssuerFraudRecord")
    receiver.wait_for(lambda: "radar.early_fraud_warning.created" in receiver.types_about(payment.id), "the warning")
    (warning,) = shop.v1.radar.early_fraud_warnings.list({"payment_intent": payment.id}).data
    assert shop.v1.radar.early_fraud_warnings.retrieve(warning.id, {"expand": ["charge"]}).charge.amount == 1000


def test_the_balance_explains_every_cent(shop):
    payment = shop.paid(1000)
    refund = shop.v1.refunds.create({"payment_intent": payment.id, "amount": 300})
    entries = {
        entry.source: (entry.type, entry.amount, entry.fee, entry.net)
        for entry in shop.v1.balance_transactions.list({"limit": 5})
    }
    assert entries[payment.latest_charge] == ("charge", 1000, 59, 941)
    assert entries[refund.id] == ("refund", -300, 0, -300)
    charge = shop.v1.charges.retrieve(payment.latest_charge, {"expand": ["balance_transaction"]})
    assert charge.balance_transaction.net == 941
    wait_until(lambda: shop.v1.balance_transactions.list({"source": refund.id}).data, "the entry of the refund")
