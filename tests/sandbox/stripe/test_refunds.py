"""Refunds and disputes: money that goes back."""

from typing import Any

import pytest
import stripe


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

    assert shop.v1.refunds.create({"payment_intent": payment.id}).amount == 700
    charge = shop.charge(payment.id)
    assert (charge.amount_refunded, charge.refunded) == (1000, True)
    with pytest.raises(stripe.InvalidRequestError) as error:
        shop.v1.refunds.create({"payment_intent": payment.id})
    assert error.value.code == "charge_already_refunded"
    assert [each.amount for each in shop.v1.refunds.list({"payment_intent": payment.id})] == [700, 300]


def test_a_refund_has_two_events(shop):
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
        {"payment_intent": "pi_x", "amount": 0},
        {"payment_intent": "pi_x", "reason": "whim"},
    ],
)
def test_a_refund_that_makes_no_sense_is_refused(shop, given):
    with pytest.raises(stripe.InvalidRequestError) as error:
        shop.v1.refunds.create(given)
    assert error.value.http_status == 400


def test_what_was_not_paid_cannot_be_refunded(shop):
    with pytest.raises(stripe.CardError) as decline:
        shop.paid(card="pm_card_visa_chargeDeclined")
    declined: Any = decline.value
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        shop.v1.refunds.create({"payment_intent": declined.error.payment_intent.id})


def test_a_slow_refund_arrives_later(shop):
    refund = shop.v1.refunds.create({"payment_intent": shop.paid(card="pm_card_pendingRefund").id})
    assert refund.status == "pending"
    shop.control("clock", seconds=10)
    assert shop.refund(refund.id).status == "succeeded"
    assert [event.type for event in shop.events_about(refund.id) if event.data.object.object == "refund"] == [
        "refund.created",
        "refund.updated",
        "charge.refund.updated",
    ]


def test_a_slow_refund_arrives_without_a_request(shop, receiver):
    refund = shop.v1.refunds.create({"payment_intent": shop.paid(card="pm_card_pendingRefund").id})
    shop.control("clock", seconds=4)
    receiver.wait_for(lambda: "refund.updated" in receiver.types_about(refund.id), "the refund's end")
    assert shop.refund(refund.id).status == "succeeded"


def test_a_refund_can_fail_and_its_money_can_be_refunded_again(shop):
    payment = shop.paid(1000, card="pm_card_refundFail")
    refund = shop.v1.refunds.create({"payment_intent": payment.id, "amount": 400})
    shop.control("clock", seconds=10)
    failed = shop.refund(refund.id)
    assert (failed.status, failed.failure_reason) == ("failed", "lost_or_stolen_card")
    assert len(shop.events_about(refund.id, "refund.failed")) == 1
    assert shop.charge(payment.id).amount_refunded == 0


def test_any_refund_fails_on_request(shop):
    refund = shop.v1.refunds.create({"payment_intent": shop.paid().id})
    assert shop.control(f"refunds/{refund.id}/fail")["status"] == "failed"
    assert shop.refund(refund.id).status == "failed"


def test_a_refund_can_come_from_the_dashboard(shop):
    payment = shop.paid(1000)
    refund = shop.control("refunds", payment_intent=payment.id, amount=250)
    assert [each.id for each in shop.v1.refunds.list({"payment_intent": payment.id})] == [refund["id"]]
    (event,) = shop.events_about(refund["id"], "refund.created")
    assert event.request.idempotency_key is None


def test_a_disputed_card_takes_the_money_back_at_once(shop):
    payment = shop.paid(1000, card="pm_card_createDispute")
    (dispute,) = shop.v1.disputes.list({"payment_intent": payment.id}).data
    assert (dispute.amount, dispute.reason, dispute.status) == (1000, "fraudulent", "needs_response")
    assert shop.charge(payment.id).disputed
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
    assert won["status"] == shop.v1.disputes.retrieve(dispute["id"]).status == "won"
    assert [event.type for event in shop.events_about(dispute["id"])][2:] == [
        "charge.dispute.closed",
        "charge.dispute.funds_reinstated",
    ]


def test_a_dispute_is_lost(shop):
    dispute = shop.control("disputes", payment_intent=shop.paid().id)
    assert shop.control(f"disputes/{dispute['id']}/lose")["status"] == "lost"
    assert [event.type for event in shop.events_about(dispute["id"])][2:] == ["charge.dispute.closed"]
    with pytest.raises(AssertionError, match="is closed"):
        shop.control(f"disputes/{dispute['id']}/win")


def test_an_inquiry_takes_no_money(shop):
    payment = shop.paid()
    shop.control("disputes", payment_intent=payment.id, inquiry=True)
    (dispute,) = shop.v1.disputes.list({"payment_intent": payment.id}).data
    assert (dispute.status, dispute.is_charge_refundable) == ("warning_needs_response", True)
    assert shop.v1.refunds.create({"payment_intent": payment.id, "amount": 1}).status == "succeeded"
    assert shop.control(f"disputes/{dispute.id}/win")["status"] == "warning_closed"


def test_an_early_fraud_warning_is_delivered(shop, receiver):
    payment = shop.paid(card="pm_card_createIssuerFraudRecord")
    receiver.wait_for(lambda: "radar.early_fraud_warning.created" in receiver.types_about(payment.id), "the warning")
    (event,) = shop.events_about(payment.id, "radar.early_fraud_warning.created")
    assert event.data.object.charge == payment.latest_charge
