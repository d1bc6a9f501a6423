"""Stripe's webhooks: its signature, its events, and how they lead to a purchase."""

import json
import time

import pytest

from billing.credits import reconciliation
from billing.models import ProviderEvent, Purchase
from billing.payments import webhooks
from tests.billing.conftest import credits_of, deliver
from tests.billing.stripe_sandbox import signature

State = ProviderEvent.State


@pytest.fixture
def paid_event(sandbox, purchase):
    """The event that reports the payment of Alice's purchase, before she returns from the payment page."""
    sandbox.pay(purchase)
    return sandbox.events(purchase, "checkout.session.completed")[0]


@pytest.mark.parametrize(
    "forge",
    [
        lambda body: "",
        lambda body: "t=1,v1=deadbeef",
        lambda body: "nonsense",
        lambda body: signature(body, secret="whsec_other"),
        lambda body: signature(body, secret=""),
        lambda body: signature(body + b" "),
        lambda body: signature(body, at=time.time() - 301),
    ],
    ids=["none", "made up", "malformed", "other secret", "empty secret", "other body", "too old"],
)
def test_an_invalid_signature_is_rejected_and_nothing_is_stored(client, paid_event, empty_account, forge):
    body = json.dumps(paid_event).encode()
    response = client.post(
        "/webhooks/stripe", data=body, content_type="application/json", headers={"Stripe-Signature": forge(body)}
    )

    assert response.status_code == 400
    assert not ProviderEvent.objects.exists()
    assert credits_of(empty_account) == 0


def test_a_signature_is_valid_for_five_minutes(client, paid_event):
    assert deliver(client, paid_event, at=time.time() - 295).status_code == 200


def test_all_events_of_a_payment_in_any_order_credit_once(client, sandbox, purchase, empty_account):
    sandbox.pay(purchase, card="4000000000000002")
    sandbox.pay(purchase)
    events = sandbox.events(purchase)
    assert {"payment_intent.payment_failed", "payment_intent.succeeded", "checkout.session.completed"} <= {
        event["type"] for event in events
    }

    for event in [*reversed(events), *events]:
        assert deliver(client, event).status_code == 200

    assert credits_of(empty_account) == 1000
    assert Purchase.objects.get().state == Purchase.State.CREDITED
    assert reconciliation.faults() == []


def test_an_event_about_an_expired_page_ends_the_purchase(client, sandbox, purchase):
    sandbox.expire(purchase)
    [expired] = sandbox.events(purchase, "checkout.session.expired")

    assert deliver(client, expired).status_code == 200
    assert Purchase.objects.get().state == Purchase.State.EXPIRED


def test_an_event_that_names_only_the_payment_leads_to_its_purchase(client, sandbox, paid_event, empty_account):
    event = sandbox.event("payment_intent.succeeded")
    event["data"]["object"]["metadata"] = {}

    assert deliver(client, event).status_code == 200
    assert credits_of(empty_account) == 1000


# --- Events that must not credit anything -----------------------------------------------------------


def test_events_of_unhandled_types_are_ignored(client, sandbox, purchase, empty_account):
    created = sandbox.event("customer.created")
    assert deliver(client, created).status_code == 200

    invoice = {"object": {"id": "in_1", "object": "invoice"}}
    assert deliver(client, created | {"id": "evt_invoice", "type": "invoice.paid", "data": invoice}).status_code == 200

    assert set(ProviderEvent.objects.values_list("state", flat=True)) == {State.IGNORED}
    assert credits_of(empty_account) == 0


def test_a_paid_page_of_another_product_is_ignored(client, paid_event, empty_account):
    """The Stripe account may be used for other sales."""
    Purchase.objects.update(provider_session=None)
    other = json.loads(json.dumps(paid_event))
    other["data"]["object"] |= {"id": "cs_other", "payment_intent": None, "metadata": {}, "client_reference_id": None}

    assert deliver(client, other).status_code == 200
    assert ProviderEvent.objects.get().state == State.IGNORED
    assert credits_of(empty_account) == 0


def test_a_live_event_is_ignored_in_test_mode(client, paid_event, empty_account):
    assert deliver(client, paid_event | {"livemode": True}).status_code == 200

    assert ProviderEvent.objects.get().state == State.IGNORED
    assert credits_of(empty_account) == 0


def test_the_contents_of_an_event_are_not_trusted(client, sandbox, purchase, empty_account):
    """A signed event that reports an unpaid purchase as paid, with a thousand times the amount."""
    sandbox.pay(purchase, card="4000000000000002")
    [event] = sandbox.events(purchase, "payment_intent.payment_failed")
    event["type"] = "checkout.session.completed"
    event["data"]["object"] |= {"id": purchase.provider_session, "payment_status": "paid", "amount_total": 1_080_000}

    assert deliver(client, event).status_code == 200
    assert credits_of(empty_account) == 0


def test_only_ids_of_an_event_are_stored(client, paid_event, alice):
    deliver(client, paid_event)

    stored = json.dumps(list(ProviderEvent.objects.values()), default=str)
    assert alice.email in json.dumps(paid_event)
    assert alice.email not in stored


def test_a_processed_event_is_not_processed_again(client, paid_event, sandbox):
    deliver(client, paid_event)
    sandbox.fail("refuse", status=500, count=1)

    assert webhooks.process(ProviderEvent.objects.get()) is True
    assert sandbox.failures_left() == 1  # no request was made
