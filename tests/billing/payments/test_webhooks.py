"""Webhooks of every payment provider: real events of the sandboxes, delivered by the tests."""

import pytest
from django.test import Client
from django.utils import timezone

from billing.models import LedgerEntry, ProviderEvent, Purchase
from billing.payments import purchases, sweeps
from tests.billing.conftest import credits_of

State = ProviderEvent.State


@pytest.fixture
def paid_event(payments) -> dict:
    """The event that reports the payment of Alice's purchase, before she returns from the payment page."""
    purchase = payments.buy()
    payments.pay(purchase)
    return payments.events(purchase)[0]


def test_an_event_credits_the_purchase_before_the_buyer_returns(client, payments, paid_event, empty_account):
    assert payments.deliver(client, paid_event).status_code == 200

    assert credits_of(empty_account) == 1000
    event = ProviderEvent.objects.get()
    assert (event.provider, event.state) == (payments.provider, State.DONE)
    assert event.type in {"checkout.session.completed", "checkout.payment.success"}


def test_an_event_needs_no_session_and_no_csrf_token(payments, paid_event, empty_account):
    assert payments.deliver(Client(enforce_csrf_checks=True), paid_event).status_code == 200
    assert credits_of(empty_account) == 1000


@pytest.mark.parametrize("provider", ["stripe", "coinbase"])
@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_only_post_requests_are_accepted(client, db, provider, method):
    assert getattr(client, method)(f"/webhooks/{provider}").status_code == 405


def test_without_a_secret_every_event_is_rejected(client, payments, paid_event, empty_account, settings):
    secret = getattr(settings, payments.secrets_setting)[0]
    setattr(settings, payments.secrets_setting, [])

    for each in ("", secret):
        assert payments.deliver(client, paid_event, secret=each).status_code == 400
    assert credits_of(empty_account) == 0


def test_old_and_new_secret_work_during_a_rotation(client, payments, paid_event, settings):
    setattr(settings, payments.secrets_setting, ["whsec_new", "whsec_old"])

    for secret, status in (("whsec_old", 200), ("whsec_new", 200), ("whsec_older", 400)):
        assert payments.deliver(client, paid_event, secret=secret).status_code == status


@pytest.mark.parametrize(
    "body",
    [
        b"not json",
        b'{"object": "something else"}',
        b"[]",
        b"null",
        b'"x"',
        b'{"id": "x"}',
        b'{"eventType": "x"}',
        b"\xff",
        b'{"metadata": 1}',
    ],
)
def test_a_signed_body_that_is_no_event_is_rejected(client, payments, body):
    assert payments.deliver(client, body).status_code == 400
    assert not ProviderEvent.objects.exists()


def test_a_repeated_event_credits_once(client, payments, paid_event, empty_account):
    for _ in range(4):
        assert payments.deliver(client, paid_event).status_code == 200

    assert credits_of(empty_account) == 1000
    assert ProviderEvent.objects.count() == 1


def test_an_event_before_the_payment_page_is_stored_is_no_error(client, payments, paid_event, empty_account):
    session = Purchase.objects.get().provider_session
    Purchase.objects.update(provider_session=None, state=Purchase.State.CREATED)
    assert payments.deliver(client, paid_event).status_code == 200
    assert credits_of(empty_account) == 0

    Purchase.objects.update(provider_session=session, state=Purchase.State.OPEN)
    assert purchases.sync(Purchase.objects.get()).state == Purchase.State.CREDITED


def test_an_event_that_fails_in_an_outage_is_retried_by_the_provider(client, payments, paid_event, empty_account):
    payments.fail("refuse", status=503, count=3)
    assert payments.deliver(client, paid_event).status_code == 503
    event = ProviderEvent.objects.get()
    assert (event.state, event.attempts) == (State.FAILED, 0)  # an outage does not count as an attempt
    assert "Unavailable" in event.error
    assert credits_of(empty_account) == 0

    assert payments.deliver(client, paid_event).status_code == 200
    event.refresh_from_db()
    assert (event.state, event.attempts, event.error) == (State.DONE, 1, "")
    assert credits_of(empty_account) == 1000


def test_an_event_that_fails_in_an_outage_is_retried_by_the_sweep(client, payments, paid_event, empty_account):
    payments.fail("refuse", status=503, count=3)
    assert payments.deliver(client, paid_event).status_code == 503
    Purchase.objects.update(state=Purchase.State.EXPIRED)  # so that only the event leads to the purchase

    sweeps.sweep()  # too early: the request that received the event may still be running
    assert ProviderEvent.objects.get().state == State.FAILED

    ProviderEvent.objects.update(received_at=timezone.now() - sweeps.GRACE_PERIOD * 2)
    sweeps.sweep()
    event = ProviderEvent.objects.get()
    assert (event.state, event.error) == (State.DONE, "")
    assert payments.deliver(client, paid_event).status_code == 200
    assert credits_of(empty_account) == 1000
    assert LedgerEntry.objects.count() == 1
