"""Coinbase's webhooks: its signature, its events, and how they lead to a purchase."""

import hashlib
import hmac
import time

import pytest

from billing.credits import reconciliation
from billing.models import ProviderEvent, Purchase
from tests.billing.conftest import credits_of
from tests.billing.usdc_sandbox import SECRET, Webhook, buy_usdc, deliver, signature

State = ProviderEvent.State


@pytest.fixture
def webhook(crypto, usdc_purchase) -> Webhook:
    """The webhook that reports the payment of Alice's purchase, before she returns from the payment page."""
    crypto.pay(usdc_purchase)
    return crypto.webhooks_about(usdc_purchase, "checkout.payment.success")[0]


# --- Signatures -------------------------------------------------------------------------------------


def test_the_providers_own_signature_is_accepted(client, webhook, empty_account):
    assert webhook.deliver(client).status_code == 200
    assert ProviderEvent.objects.get().event_id == webhook.headers["x-event-id"]
    assert credits_of(empty_account) == 1000


@pytest.mark.parametrize(
    "change",
    [
        {"X_Hook0_Signature": ""},
        {"X_Hook0_Signature": "nonsense"},
        {"X_Hook0_Signature": "t=1,h=,v1=deadbeef"},
        {"X_Hook0_Signature": f"t={'9' * 5000},h=,v1=x"},
        {"X_Hook0_Signature": "t=-1,h=content-type,v1=é"},
        {"x_event_id": "another"},
        {"body": b"{}"},
    ],
    ids=["none", "malformed", "old", "huge", "strange", "other header", "other body"],
)
def test_an_invalid_signature_is_rejected_and_nothing_is_stored(client, webhook, empty_account, change):
    assert webhook.deliver(client, **change).status_code == 400
    assert not ProviderEvent.objects.exists()
    assert credits_of(empty_account) == 0


@pytest.mark.parametrize(
    ("signing", "status"),
    [
        ({}, 200),
        ({"ago": 250}, 200),
        ({"ago": 301}, 400),
        ({"ago": -900}, 400),
        ({"secret": ""}, 400),
        ({"secret": "other"}, 400),
    ],
)
def test_a_signature_is_valid_for_five_minutes_and_with_our_secret_only(client, usdc_purchase, signing, status):
    event = {
        "eventType": "checkout.payment.success", "id": usdc_purchase.provider_session, "metadata": {"mode": "test"},
    }  # fmt: skip
    assert deliver(client, event, **signing).status_code == status


def test_a_signature_over_the_body_alone_is_rejected(client, usdc_purchase):
    """An older form of the header, which does not cover the event's id."""
    body, now = b'{"eventType": "checkout.payment.success", "id": "x"}', int(time.time())
    code = hmac.new(SECRET.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    for header in (f"t={now},v0={code}", f"t={now},v1={code}", f"t={now},h=,v1={code}"):
        webhook = Webhook({"content-type": "application/json", "X-Hook0-Signature": header}, body)
        assert webhook.deliver(client).status_code == 400


def test_an_event_whose_id_is_not_signed_is_identified_by_its_body(client, webhook, empty_account):
    headers = {"content-type": "application/json"}
    unsigned = Webhook(headers | {"X-Hook0-Signature": signature(webhook.body, headers)}, webhook.body)

    for number in range(3):
        assert unsigned.deliver(client, x_event_id=f"made up {number}").status_code == 200

    assert ProviderEvent.objects.get().event_id == hashlib.sha256(webhook.body).hexdigest()
    assert credits_of(empty_account) == 1000


def test_providers_may_use_the_same_event_ids(client, webhook, empty_account):
    ProviderEvent.objects.create(
        provider="stripe", event_id=webhook.headers["x-event-id"], type="x", object_id="x", state=State.DONE
    )
    assert webhook.deliver(client).status_code == 200
    assert credits_of(empty_account) == 1000


# --- Late, repeated and failed payments -------------------------------------------------------------


def test_events_in_the_wrong_order_lead_to_the_same_state(client, crypto, usdc_purchase, empty_account):
    """The page expires and the payment arrives late, but its event arrives first."""
    crypto.expire(usdc_purchase)
    crypto.confirm(usdc_purchase)
    webhooks = crypto.webhooks_about(usdc_purchase, "checkout.payment.expired", "checkout.payment.success")
    for webhook in (*reversed(webhooks), *webhooks):
        assert webhook.deliver(client).status_code == 200

    assert Purchase.objects.get().state == Purchase.State.CREDITED
    assert credits_of(empty_account) == 1000
    assert reconciliation.faults() == []


def test_a_late_payment_is_credited_after_its_page_has_expired(client, crypto, usdc_purchase, empty_account):
    crypto.expire(usdc_purchase)
    crypto.webhooks_about(usdc_purchase, "checkout.payment.expired")[0].deliver(client)
    assert Purchase.objects.get().state == Purchase.State.EXPIRED

    crypto.confirm(usdc_purchase)
    crypto.webhooks_about(usdc_purchase, "checkout.payment.success")[-1].deliver(client)
    assert Purchase.objects.get().state == Purchase.State.CREDITED
    assert credits_of(empty_account) == 1000


def test_an_event_about_a_failed_payment_ends_the_purchase(client, crypto, usdc_purchase):
    crypto.fail_payment(usdc_purchase)
    [webhook] = crypto.webhooks_about(usdc_purchase, "checkout.payment.failed")
    assert webhook.deliver(client).status_code == 200
    assert Purchase.objects.get().state == Purchase.State.FAILED


def test_webhooks_sent_several_times_and_out_of_order_credit_every_purchase_once(client, crypto, empty_account, alice):
    crypto.control("webhooks", copies=3, shuffle=0.5)
    bought = [buy_usdc(empty_account, alice) for _ in range(3)]
    for purchase in bought:
        crypto.pay(purchase)
    for purchase in bought:
        crypto.webhooks_about(purchase, "checkout.payment.success")
    for webhook in list(crypto.webhooks):
        if webhook.event["id"] in {purchase.provider_session for purchase in bought}:
            assert webhook.deliver(client).status_code == 200

    assert credits_of(empty_account) == 3000
    assert reconciliation.faults() == []


# --- Events that must not credit anything -----------------------------------------------------------


def test_the_contents_of_an_event_are_not_trusted(client, usdc_purchase, empty_account):
    event = {
        "eventType": "checkout.payment.success",
        "id": usdc_purchase.provider_session,
        "status": "COMPLETED",
        "amount": "10500.00",
        "metadata": {"purchase": str(usdc_purchase.pk), "mode": "test"},
    }
    assert deliver(client, event).status_code == 200

    assert Purchase.objects.get().state == Purchase.State.OPEN
    assert credits_of(empty_account) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"eventType": "onchain.activity.detected"},
        {"metadata": {"mode": "live"}},
        {"id": "f" * 24, "metadata": {"purchase": "not an id", "mode": "test"}},
        {"id": "f" * 24, "metadata": {"purchase": "ec7f2b0e-0000-4000-8000-000000000000", "mode": "test"}},
    ],
    ids=["other type", "live mode", "no purchase", "unknown purchase"],
)
def test_events_about_other_things_are_ignored(client, webhook, empty_account, change):
    """The Coinbase account may be used for other sales."""
    assert deliver(client, webhook.event | change).status_code == 200
    assert ProviderEvent.objects.get().state == State.IGNORED
    assert credits_of(empty_account) == 0
