"""Events and their delivery: signed, repeated until accepted, and disturbed on request."""

import json
import time

import pytest
import requests
import stripe

from tests.sandbox.stripe.world import Receiver, Shop
from tests.support.processes import stripe_sandbox, wait_until


def test_a_purchase_has_signed_events(shop, buyer, receiver):
    session = shop.session(metadata={"purchase": "1"})
    buyer.pay(session)
    receiver.wait_for(lambda: "checkout.session.completed" in receiver.types_about(session.id), "the completed session")
    event = next(
        each
        for each in receiver.events
        if each.type == "checkout.session.completed" and each.data.object.id == session.id
    )
    assert (event.livemode, event.api_version, event.data.object.metadata["purchase"]) == (
        False,
        stripe.api_version,
        "1",
    )
    assert event.data.object.payment_status == "paid"
    payment = event.data.object.payment_intent
    assert {"payment_intent.created", "charge.succeeded", "payment_intent.succeeded"} <= set(
        receiver.types_about(payment)
    )


def test_another_secret_does_not_verify(shop, receiver):
    customer = shop.customer()
    receiver.wait_for(lambda: receiver.types_about(customer.id), "an event")
    body = next(body for body in receiver.bodies if customer.id.encode() in body)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, f"t={int(time.time())},v1={'0' * 64}", receiver.secret)


def test_an_event_names_the_request_that_caused_it(shop):
    customer = shop.v1.customers.create(
        {"email": "x@example.com"}, {"idempotency_key": f"customer-{time.monotonic_ns()}"}
    )
    (event,) = shop.events_about(customer.id, "customer.created")
    assert event.request.id == customer.last_response.request_id
    assert event.request.idempotency_key == customer.last_response.headers["Idempotency-Key"]


def test_an_event_keeps_what_the_object_was_like_then(shop):
    payment = shop.paid(1000)
    for _ in range(2):
        shop.v1.refunds.create({"payment_intent": payment.id, "amount": 100})
    first, second = shop.events_about(payment.id, "charge.refunded")
    assert (first.data.object.amount_refunded, second.data.object.amount_refunded) == (100, 200)


def test_an_endpoint_gets_only_the_types_it_subscribed_to(shop, receiver):
    other = Receiver()
    endpoint = shop.v1.webhook_endpoints.create({"url": other.url, "enabled_events": ["refund.created"]})
    other.secret = endpoint.secret
    refund = shop.v1.refunds.create({"payment_intent": shop.paid().id})
    other.wait_for(lambda: other.events, "the refund")
    receiver.wait_for(lambda: "charge.refunded" in receiver.types_about(refund.charge), "all events")
    assert [event.type for event in other.events] == ["refund.created"]
    shop.v1.webhook_endpoints.delete(endpoint.id)
    other.close()


def test_a_refused_delivery_is_tried_again_until_it_is_accepted(shop, receiver):
    receiver.answers = [500, 503]
    customer = shop.customer()
    (event,) = shop.events_about(customer.id)
    assert event.pending_webhooks == 1
    receiver.wait_for(lambda: receiver.types_about(customer.id), "the third attempt")
    receiver.wait_for(lambda: shop.events_about(customer.id)[0].pending_webhooks == 0, "the delivery to be noted")
    (delivery,) = shop.deliveries(event.id)
    assert [attempt["status"] for attempt in delivery["attempts"]] == [500, 503, 200]
    first, second, third = (attempt["at"] for attempt in delivery["attempts"])
    assert second - first >= 1 and third - second >= 2


def test_an_endpoint_that_does_not_listen_is_noted_with_the_reason(shop):
    endpoint = shop.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/", "enabled_events": ["customer.created"]})
    (event,) = shop.events_about(shop.customer().id)
    wait_until(lambda: shop.deliveries(event.id)[-1]["attempts"], "an attempt")
    assert "ConnectError" in shop.deliveries(event.id)[-1]["attempts"][0]["error"]
    shop.v1.webhook_endpoints.delete(endpoint.id)
    assert shop.deliveries(event.id)[-1]["state"] == "canceled"


def test_deliveries_are_given_up_after_three_days(shop, receiver):
    receiver.answers = [500] * 50
    (event,) = shop.events_about(shop.customer().id)
    receiver.wait_for(lambda: shop.deliveries(event.id)[0]["attempts"], "the first attempt")
    shop.control("clock", seconds=3 * 24 * 3600 + 60)
    receiver.wait_for(lambda: shop.deliveries(event.id)[0]["state"] == "failed", "the end of patience")
    receiver.answers = []
    shop.control(f"events/{event.id}/resend")
    receiver.wait_for(lambda: shop.deliveries(event.id)[-1]["state"] == "delivered", "the event sent again")
    assert receiver.types_about(event.id)[-1] == "customer.created"


def test_a_slow_endpoint_does_not_hold_up_the_others(shop, receiver):
    slow = Receiver()
    slow.may_answer.clear()
    endpoint = shop.v1.webhook_endpoints.create({"url": slow.url, "enabled_events": ["customer.created"]})
    customers = [shop.customer().id for _ in range(8)]
    receiver.wait_for(lambda: all(receiver.types_about(each) for each in customers), "the fast endpoint")
    assert slow.bodies == []
    shop.v1.webhook_endpoints.delete(endpoint.id)
    slow.close()


def test_duplicates_on_request(shop, receiver):
    shop.control("webhooks", copies=3)
    customer = shop.customer()
    receiver.wait_for(lambda: receiver.types_about(customer.id) == ["customer.created"] * 3, "three copies")
    about = [json.loads(body)["id"] for body in receiver.bodies if customer.id.encode() in body]
    assert len(set(about)) == 1


def test_disorder_on_request(shop, receiver):
    shop.control("webhooks", shuffle=1.0)
    customers = [shop.customer().id for _ in range(12)]
    receiver.wait_for(lambda: all(receiver.types_about(each) for each in customers), "all events")
    arrived = [event.data.object.id for event in receiver.events if event.type == "customer.created"]
    assert sorted(arrived) == sorted(customers) and arrived != customers


def test_delay_on_request(shop, receiver):
    shop.control("webhooks", delay=1.5)
    started = time.monotonic()
    customer = shop.customer()
    receiver.wait_for(lambda: receiver.types_about(customer.id), "the late event")
    assert time.monotonic() - started >= 1.4


def test_lost_events_can_be_found_by_asking(shop, receiver):
    shop.control("webhooks", drop=2)
    lost, also_lost, told = (shop.customer() for _ in range(3))
    receiver.wait_for(lambda: receiver.types_about(told.id), "the third event")
    assert receiver.types_about(lost.id) == receiver.types_about(also_lost.id) == []
    missed = [event for event in shop.v1.events.list({"limit": 3}) if event.pending_webhooks]
    assert [event.data.object.id for event in missed] == [also_lost.id, lost.id]


def test_the_endpoint_of_the_command_line_is_signed_with_its_secret(tmp_path):
    receiver = Receiver()
    receiver.secret = "whsec_local_sandbox"
    with stripe_sandbox(tmp_path, "--webhook-url", receiver.url) as address:
        customer = Shop(address).customer()
        receiver.wait_for(lambda: receiver.types_about(customer.id), "the event")
    receiver.secret = "whsec_other"  # before the start, which sends again what it doesn't know to have arrived
    with stripe_sandbox(tmp_path, "--webhook-url", receiver.url, "--webhook-secret", "whsec_other") as address:
        shop = Shop(address)
        customer = shop.customer()
        receiver.wait_for(lambda: receiver.types_about(customer.id), "the event with the other secret")
        (event,) = shop.events_about(customer.id)
        assert len(shop.deliveries(event.id)) == 1
    assert receiver.forged == 0
    receiver.close()


def test_the_control_api_takes_json_only(shop):
    answer = requests.post(f"{shop.address}/_test/webhooks", data={"drop": "5"}, timeout=20)
    assert answer.status_code == 415
    answer = requests.post(f"{shop.address}/_test/webhooks", json={"drip": 5}, timeout=20)
    assert answer.status_code == 400 and "drip" in answer.text
