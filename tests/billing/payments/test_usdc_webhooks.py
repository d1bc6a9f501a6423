"""Webhooks of the crypto payments sandbox: caught on their way, then delivered as the test likes."""

import hashlib
import hmac
import json
import time

import pytest
from django.test import Client
from django.utils import timezone

from billing.credits import reconciliation
from billing.models import LedgerEntry, ProviderEvent, Purchase
from billing.payments import purchases, sweeps
from tests.billing.conftest import credits_of
from tests.billing.usdc import Letter, buy_usdc

State = ProviderEvent.State
SECRET = "local_sandbox"


@pytest.fixture
def letter(crypto, usdc_purchase) -> Letter:
    """The webhook that says that Alice's purchase has been paid; she has not come back from the payment page."""
    crypto.pay(usdc_purchase)
    return crypto.about(usdc_purchase, "checkout.payment.success")[0]


def signature(body: bytes, headers: dict[str, str], *, secret: str = SECRET, ago: int = 0) -> str:
    """The header as the provider made it so many seconds ago, over these headers."""
    moment = int(time.time()) - ago
    names = " ".join(headers)
    text = f"{moment}.{names}.{'.'.join(headers.values())}.".encode() + body
    return f"t={moment},v0=ignored,h={names},v1={hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()}"


def deliver(client, told: object, *, event_id: str = "an event", **signing):
    """A webhook of the provider's that says whatever the test wants."""
    body = told if isinstance(told, bytes) else json.dumps(told).encode()
    headers = {"content-type": "application/json", "x-event-id": event_id}
    letter = Letter(headers | {"X-Hook0-Signature": signature(body, headers, **signing)}, body)
    return letter.deliver(client)


def test_an_event_credits_the_purchase_without_the_buyer_coming_back(client, letter, empty_account):
    assert letter.deliver(client).status_code == 200

    assert credits_of(empty_account) == 1000
    event = ProviderEvent.objects.get()
    assert (event.provider, event.event_id) == ("coinbase", letter.headers["x-event-id"])
    assert (event.type, event.state) == ("checkout.payment.success", State.DONE)


def test_only_the_signature_counts(letter, empty_account):
    """No session, no CSRF token."""
    assert letter.deliver(Client(enforce_csrf_checks=True)).status_code == 200
    assert credits_of(empty_account) == 1000


@pytest.mark.parametrize("method", ["get", "put", "delete"])
def test_only_posts_are_taken(client, db, method):
    assert getattr(client, method)("/webhooks/coinbase").status_code == 405


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
def test_a_forged_event_is_refused_and_nothing_is_kept(client, letter, empty_account, change):
    changed = {name.replace("X_Hook0_Signature", "X-Hook0-Signature"): value for name, value in change.items()}

    assert letter.deliver(client, **changed).status_code == 400
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
        ({"secret": "somebody else's"}, 400),
    ],
)
def test_a_signature_counts_for_five_minutes_and_with_our_secret_only(client, usdc_purchase, signing, status):
    told = {"eventType": "checkout.payment.success", "id": usdc_purchase.provider_session, "metadata": {"mode": "test"}}
    assert deliver(client, told, **signing).status_code == status


def test_a_code_over_the_body_alone_is_none(client, usdc_purchase):
    """An older form of the header: it does not cover the event's id."""
    body, now = b'{"eventType": "checkout.payment.success", "id": "x"}', int(time.time())
    code = hmac.new(SECRET.encode(), f"{now}.".encode() + body, hashlib.sha256).hexdigest()
    for header in (f"t={now},v0={code}", f"t={now},v1={code}", f"t={now},h=,v1={code}"):
        letter = Letter({"content-type": "application/json", "X-Hook0-Signature": header}, body)
        assert letter.deliver(client).status_code == 400


def test_without_a_secret_every_event_is_refused(client, letter, empty_account, settings):
    settings.COINBASE_WEBHOOK_SECRETS = []
    assert letter.deliver(client).status_code == 400
    assert deliver(client, letter.told, secret="").status_code == 400
    assert credits_of(empty_account) == 0


def test_both_secrets_work_while_they_are_being_changed(client, letter, settings):
    settings.COINBASE_WEBHOOK_SECRETS = ["new", "old"]
    for secret, status in (("old", 200), ("new", 200), ("older", 400)):
        assert deliver(client, letter.told, secret=secret).status_code == status


@pytest.mark.parametrize(
    "body", [b"not json", b"[]", b"null", b'"x"', b'{"id": "x"}', b'{"eventType": "x"}', b"\xff", b'{"metadata": 1}']
)
def test_signed_nonsense_is_refused(client, crypto, db, body):
    assert deliver(client, body).status_code == 400
    assert not ProviderEvent.objects.exists()


def test_an_event_whose_id_is_not_signed_is_known_by_its_body(client, letter, empty_account):
    headers = {"content-type": "application/json"}
    unsigned = Letter(headers | {"X-Hook0-Signature": signature(letter.body, headers)}, letter.body)

    for number in range(3):
        assert unsigned.deliver(client, x_event_id=f"made up {number}").status_code == 200

    assert ProviderEvent.objects.get().event_id == hashlib.sha256(letter.body).hexdigest()
    assert credits_of(empty_account) == 1000


def test_the_same_event_many_times_credits_once(client, letter, empty_account):
    for _ in range(4):
        assert letter.deliver(client).status_code == 200
    assert credits_of(empty_account) == 1000
    assert ProviderEvent.objects.count() == 1


def test_events_in_the_wrong_order_end_in_the_same_state(client, crypto, usdc_purchase, empty_account):
    """The page expires, the money comes late; we hear of the money first."""
    crypto.expire(usdc_purchase)
    crypto.confirm(usdc_purchase)
    letters = crypto.about(usdc_purchase, "checkout.payment.expired", "checkout.payment.success")
    for letter in (*reversed(letters), *letters):
        assert letter.deliver(client).status_code == 200

    assert Purchase.objects.get().state == Purchase.State.CREDITED
    assert credits_of(empty_account) == 1000
    assert reconciliation.faults() == []


def test_an_event_of_a_closed_page_and_one_of_its_late_money_are_both_heard(
    client, crypto, usdc_purchase, empty_account
):
    crypto.expire(usdc_purchase)
    crypto.about(usdc_purchase, "checkout.payment.expired")[0].deliver(client)
    assert Purchase.objects.get().state == Purchase.State.EXPIRED

    crypto.confirm(usdc_purchase)
    crypto.about(usdc_purchase, "checkout.payment.success")[-1].deliver(client)
    assert Purchase.objects.get().state == Purchase.State.CREDITED
    assert credits_of(empty_account) == 1000


def test_a_failed_payment_is_noticed(client, crypto, usdc_purchase):
    crypto.fail_payment(usdc_purchase)
    assert crypto.about(usdc_purchase, "checkout.payment.failed")[0].deliver(client).status_code == 200
    assert Purchase.objects.get().state == Purchase.State.FAILED


def test_the_provider_itself_may_send_twice_and_in_disorder(client, crypto, empty_account, alice):
    crypto.control("webhooks", copies=3, shuffle=0.5)
    bought = [buy_usdc(empty_account, alice) for _ in range(3)]
    for purchase in bought:
        crypto.pay(purchase)
    for purchase in bought:
        crypto.about(purchase, "checkout.payment.success")
    for letter in list(crypto.letters):
        if letter.told["id"] in {purchase.provider_session for purchase in bought}:
            assert letter.deliver(client).status_code == 200

    assert credits_of(empty_account) == 3000
    assert reconciliation.faults() == []


def test_an_event_before_the_purchase_knows_its_payment_page_is_no_error(client, letter, empty_account):
    session = Purchase.objects.get().provider_session
    Purchase.objects.update(provider_session=None, state=Purchase.State.CREATED)
    assert letter.deliver(client).status_code == 200
    assert credits_of(empty_account) == 0

    Purchase.objects.update(provider_session=session, state=Purchase.State.OPEN)
    assert purchases.sync(Purchase.objects.get()).state == Purchase.State.CREDITED


def test_an_event_is_only_a_hint_and_its_figures_count_for_nothing(client, usdc_purchase, empty_account):
    told = {
        "eventType": "checkout.payment.success",
        "id": usdc_purchase.provider_session,
        "status": "COMPLETED",
        "amount": "10500.00",
        "metadata": {"purchase": str(usdc_purchase.pk), "mode": "test"},
    }
    assert deliver(client, told).status_code == 200

    assert Purchase.objects.get().state == Purchase.State.OPEN
    assert credits_of(empty_account) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"eventType": "onchain.activity.detected"},
        {"metadata": {"mode": "live"}},
        {"id": "f" * 24, "metadata": {"purchase": "nobody's", "mode": "test"}},
        {"id": "f" * 24, "metadata": {"purchase": "ec7f2b0e-0000-4000-8000-000000000000", "mode": "test"}},
    ],
    ids=["other event", "other mode", "no purchase", "unknown purchase"],
)
def test_events_about_other_things_are_ignored(client, letter, empty_account, change):
    """The provider's account may sell other things too."""
    assert deliver(client, letter.told | change).status_code == 200
    assert ProviderEvent.objects.get().state == State.IGNORED
    assert credits_of(empty_account) == 0


def test_a_failure_asks_for_the_event_again_and_the_clock_tries_it_as_well(client, crypto, letter, empty_account):
    crypto.fail("refuse", status=503, count=3)
    assert letter.deliver(client).status_code == 500
    event = ProviderEvent.objects.get()
    assert (event.state, event.attempts) == (State.FAILED, 0)  # an outage counts for nothing
    assert "Unavailable" in event.error

    Purchase.objects.update(state=Purchase.State.EXPIRED)  # so that only the event leads to it
    ProviderEvent.objects.update(received_at=timezone.now() - sweeps.GRACE_PERIOD * 2)
    sweeps.sweep()
    event.refresh_from_db()
    assert (event.state, event.error) == (State.DONE, "")
    assert letter.deliver(client).status_code == 200
    assert credits_of(empty_account) == 1000
    assert LedgerEntry.objects.count() == 1


def test_a_provider_may_use_the_ids_of_another(client, letter, empty_account):
    ProviderEvent.objects.create(
        provider="stripe", event_id=letter.headers["x-event-id"], type="x", object_id="x", state=State.DONE
    )
    assert letter.deliver(client).status_code == 200
    assert credits_of(empty_account) == 1000
