"""Webhooks: real events of the payments sandbox, delivered as the test likes."""

import json
import time

import pytest
from django.test import Client

from billing.credits import reconciliation
from billing.models import LedgerEntry, ProviderEvent, Purchase
from billing.payments import purchases, webhooks
from tests.billing.at_once import all_at_once
from tests.billing.conftest import buy, credits_of, deliver, signature

State = ProviderEvent.State


@pytest.fixture
def paid_event(sandbox, purchase):
    """The event that says that Alice's purchase has been paid; she has not come back from the payment page."""
    sandbox.pay(purchase)
    return sandbox.events(purchase, "checkout.session.completed")[0]


def test_an_event_credits_the_purchase_without_the_buyer_coming_back(client, paid_event, empty_account):
    assert deliver(client, paid_event).status_code == 200

    assert credits_of(empty_account) == 1000
    event = ProviderEvent.objects.get()
    assert (event.event_id, event.type, event.state) == (paid_event["id"], "checkout.session.completed", State.DONE)


def test_a_page_of_another_site_cannot_be_mistaken_for_the_provider(paid_event, empty_account):
    """The endpoint takes no session and no CSRF token: only the signature counts."""
    strict = Client(enforce_csrf_checks=True)
    assert deliver(strict, paid_event).status_code == 200
    assert credits_of(empty_account) == 1000


@pytest.mark.parametrize(
    "forge",
    [
        lambda body: "",
        lambda body: "t=1,v1=deadbeef",
        lambda body: "nonsense",
        lambda body: signature(body, secret="whsec_of_somebody_else"),
        lambda body: signature(body, secret=""),
        lambda body: signature(body + b" "),
        lambda body: signature(body, at=time.time() - 301),
    ],
    ids=["none", "made up", "malformed", "other secret", "empty secret", "other body", "too old"],
)
def test_a_forged_or_old_event_is_refused_and_nothing_is_kept(client, paid_event, empty_account, forge):
    body = json.dumps(paid_event).encode()
    answer = client.post(
        "/webhooks/stripe", data=body, content_type="application/json", headers={"Stripe-Signature": forge(body)}
    )

    assert answer.status_code == 400
    assert not ProviderEvent.objects.exists()
    assert credits_of(empty_account) == 0


def test_without_a_secret_every_event_is_refused(client, paid_event, empty_account, settings):
    settings.STRIPE_WEBHOOK_SECRETS = []

    for secret in ("", "whsec_local_sandbox"):
        assert deliver(client, paid_event, secret=secret).status_code == 400
    assert credits_of(empty_account) == 0


def test_an_event_that_is_almost_too_old_is_accepted(client, paid_event):
    assert deliver(client, paid_event, at=time.time() - 295).status_code == 200


def test_both_secrets_work_while_they_are_being_changed(client, paid_event, settings):
    settings.STRIPE_WEBHOOK_SECRETS = ["whsec_new", "whsec_old"]

    assert deliver(client, paid_event, secret="whsec_old").status_code == 200
    assert deliver(client, paid_event, secret="whsec_new").status_code == 200
    assert deliver(client, paid_event, secret="whsec_older").status_code == 400


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_only_posts_are_taken(client, db, method):
    assert getattr(client, method)("/webhooks/stripe").status_code == 405


def test_signed_nonsense_is_refused(client, sandbox, db):
    for body in (b"not json", b'{"object": "something else"}', b"[]"):
        answer = client.post(
            "/webhooks/stripe",
            data=body,
            content_type="application/json",
            headers={"Stripe-Signature": signature(body)},
        )
        assert answer.status_code == 400, body
    assert not ProviderEvent.objects.exists()


def test_the_same_event_many_times_credits_once(client, paid_event, empty_account):
    for _ in range(4):
        assert deliver(client, paid_event).status_code == 200

    assert credits_of(empty_account) == 1000
    assert ProviderEvent.objects.count() == 1


def test_all_events_of_a_payment_in_any_order_credit_once(client, sandbox, purchase, empty_account):
    sandbox.pay(purchase, card="4000000000000002")
    sandbox.pay(purchase)
    told = sandbox.events(purchase)
    assert {"payment_intent.payment_failed", "payment_intent.succeeded", "checkout.session.completed"} <= {
        event["type"] for event in told
    }

    for event in [*reversed(told), *told]:
        assert deliver(client, event).status_code == 200

    assert credits_of(empty_account) == 1000
    assert Purchase.objects.get().state == Purchase.State.CREDITED
    assert reconciliation.faults() == []


def test_an_event_before_the_purchase_knows_its_payment_page_is_no_error(client, paid_event, empty_account):
    session = Purchase.objects.get().provider_session
    Purchase.objects.update(provider_session=None, state=Purchase.State.CREATED)
    assert deliver(client, paid_event).status_code == 200
    assert credits_of(empty_account) == 0

    Purchase.objects.update(provider_session=session, state=Purchase.State.OPEN)
    assert purchases.sync(Purchase.objects.get()).state == Purchase.State.CREDITED


def test_an_expired_page_is_noticed(client, sandbox, purchase):
    sandbox.expire(purchase)
    expired = sandbox.events(purchase, "checkout.session.expired")[0]

    assert deliver(client, expired).status_code == 200
    assert Purchase.objects.get().state == Purchase.State.EXPIRED


def test_events_about_other_things_are_ignored(client, sandbox, purchase, empty_account):
    made = next(event for event in sandbox._all("events") if event["type"] == "customer.created")
    assert deliver(client, made).status_code == 200

    strange = made | {
        "id": "evt_strange",
        "type": "invoice.paid",
        "data": {"object": {"id": "in_1", "object": "invoice"}},
    }
    assert deliver(client, strange).status_code == 200

    assert set(ProviderEvent.objects.values_list("state", flat=True)) == {State.IGNORED}
    assert credits_of(empty_account) == 0


def test_a_paid_page_that_is_not_ours_is_ignored(client, paid_event, empty_account):
    """The provider's account may sell other things too."""
    Purchase.objects.update(provider_session=None)
    theirs = json.loads(json.dumps(paid_event))
    theirs["data"]["object"] |= {"id": "cs_theirs", "payment_intent": None, "metadata": {}, "client_reference_id": None}

    assert deliver(client, theirs).status_code == 200
    assert ProviderEvent.objects.get().state == State.IGNORED
    assert credits_of(empty_account) == 0


def test_an_event_of_the_other_mode_is_ignored(client, paid_event, empty_account):
    assert deliver(client, paid_event | {"livemode": True}).status_code == 200

    assert ProviderEvent.objects.get().state == State.IGNORED
    assert credits_of(empty_account) == 0


def test_an_event_is_only_a_hint_and_its_figures_count_for_nothing(client, sandbox, purchase, empty_account):
    """Signed, but saying that an unpaid purchase was paid, and with a thousand times the amount."""
    sandbox.pay(purchase, card="4000000000000002")
    told = sandbox.events(purchase, "payment_intent.payment_failed")[0]
    told["type"] = "checkout.session.completed"
    told["data"]["object"] |= {"id": purchase.provider_session, "payment_status": "paid", "amount_total": 1_080_000}

    assert deliver(client, told).status_code == 200
    assert credits_of(empty_account) == 0


def test_a_failure_asks_for_the_event_again_and_the_retry_credits(client, sandbox, paid_event, empty_account):
    sandbox.fail("refuse", status=503, count=3)
    assert deliver(client, paid_event).status_code == 500
    event = ProviderEvent.objects.get()
    assert (event.state, event.attempts) == (State.FAILED, 0)  # an outage counts for nothing
    assert "Unavailable" in event.error
    assert credits_of(empty_account) == 0

    assert deliver(client, paid_event).status_code == 200
    event.refresh_from_db()
    assert (event.state, event.attempts, event.error) == (State.DONE, 1, "")
    assert credits_of(empty_account) == 1000


def test_a_payment_leads_to_its_purchase_when_nothing_else_does(client, sandbox, paid_event, empty_account):
    """An event may name nothing but the payment; the payment knows what it is for."""
    told = next(e for e in sandbox._all("events") if e["type"] == "payment_intent.succeeded")
    told["data"]["object"]["metadata"] = {}

    assert deliver(client, told).status_code == 200
    assert credits_of(empty_account) == 1000


@pytest.mark.django_db(transaction=True)
def test_webhook_return_and_sweep_at_the_same_moment_credit_once(sandbox, empty_account, alice, alice_client):
    from billing.payments import sweeps

    purchase = buy(empty_account, alice)
    sandbox.pay(purchase)
    told = sandbox.events(purchase)

    results = all_at_once(
        *[lambda event=event: deliver(Client(), event).status_code for event in told * 2],
        lambda: alice_client.get(f"/settings/credits/return?s={purchase.provider_session}").status_code,
        sweeps.sweep,
        sweeps.recover_missed_payments,
    )

    assert not [each for each in results if isinstance(each, Exception)], results
    assert set(results[:-2]) == {200}
    assert credits_of(empty_account) == 1000
    assert LedgerEntry.objects.count() == 1
    assert reconciliation.faults() == []


def test_nothing_of_the_payload_is_kept_but_ids(client, paid_event, alice):
    deliver(client, paid_event)

    kept = json.dumps(list(ProviderEvent.objects.values()), default=str)
    assert alice.email in json.dumps(paid_event)
    assert alice.email not in kept


def test_processing_a_finished_event_again_does_nothing(client, paid_event, sandbox):
    deliver(client, paid_event)
    sandbox.fail("refuse", status=500, count=1)  # would be noticed

    assert webhooks.process(ProviderEvent.objects.get()) is True
    assert sandbox._get("/_test/")["requests"][0]["count"] == 1
