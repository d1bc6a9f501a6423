"""The refund pages: the offer, the button and the credit note."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.models import Purchase, Refund
from billing.payments import refunds
from billing.providers import types
from tests.billing.conftest import credits_of, deliver, hidden, refunded_at_provider, spend

State = Refund.State


def test_the_history_offers_a_refund_only_while_it_is_possible(alice_client, bought, empty_account):
    address = f"{bought.get_absolute_url()}/refund"
    assert address in alice_client.get("/settings/credits").content.decode()

    Purchase.objects.update(paid_at=timezone.now() - timedelta(hours=25))
    assert address not in alice_client.get("/settings/credits").content.decode()


def test_the_button_shows_the_refund_and_makes_it(alice_client, sandbox, bought, empty_account):
    spend(empty_account, used=250)
    page = alice_client.get(f"{bought.get_absolute_url()}/refund").content.decode()
    assert "Refund $7.50" in page
    assert "Visa ending in 4242" in page

    response = alice_client.post(f"{bought.get_absolute_url()}/refund", {"cents": hidden(page, "cents")}, follow=True)
    note = response.content.decode()
    assert "Credit note" in note and "$7.50 is on its way" in note
    assert refunded_at_provider(sandbox, bought) == [750]
    assert "credit note" in alice_client.get(f"{bought.get_absolute_url()}/receipt").content.decode()
    history = alice_client.get("/settings/credits").content.decode()
    assert "-$7.50" in history and "Refunded" in history and Refund.objects.get().get_absolute_url() in history


def test_a_changed_amount_is_shown_before_the_refund(alice_client, bought, empty_account):
    page = alice_client.get(f"{bought.get_absolute_url()}/refund").content.decode()
    spend(empty_account, used=250)

    response = alice_client.post(f"{bought.get_absolute_url()}/refund", {"cents": hidden(page, "cents")})
    assert response.status_code == 409
    assert "The amount has changed" in response.content.decode()
    assert hidden(response.content.decode(), "cents") == "750"
    assert not Refund.objects.exists()


@pytest.mark.parametrize("sent", [{}, {"cents": ""}, {"cents": "0"}, {"cents": "-5"}, {"cents": "all"}])
def test_a_form_without_an_amount_refunds_nothing(alice_client, bought, sent):
    alice_client.post(f"{bought.get_absolute_url()}/refund", sent)
    assert not Refund.objects.exists()


def test_a_purchase_that_cannot_be_refunded_says_why(alice_client, bought):
    Purchase.objects.update(paid_at=timezone.now() - timedelta(hours=25))
    page = alice_client.get(f"{bought.get_absolute_url()}/refund").content.decode()
    assert "within 24 hours" in page
    assert "Refund $" not in page

    response = alice_client.post(f"{bought.get_absolute_url()}/refund", {"cents": "1000"})
    assert response.status_code == 409
    assert not Refund.objects.exists()


@pytest.mark.parametrize("client_fixture", ["bob_client", "charlie_client"])
def test_other_users_cannot_see_refunds(request, bought, empty_account, alice, client_fixture):
    refund = refunds.request(bought, alice, cents=1000)
    other = request.getfixturevalue(client_fixture)
    for method, path in [("get", "/refund"), ("post", "/refund")]:
        assert getattr(other, method)(bought.get_absolute_url() + path, {"cents": "1000"}).status_code == 404
    assert other.get(refund.get_absolute_url()).status_code == 404


def test_a_failed_refund_says_that_the_credits_were_restored(alice_client, sandbox, bought, alice):
    refund = refunds.request(bought, alice, cents=1000)
    sandbox.post(f"/_test/refunds/{refund.provider_refund}/fail")
    refunds.sync(bought)

    page = alice_client.get(refund.get_absolute_url()).content.decode()
    assert "The refund failed." in page
    assert "The credits are back in your balance." in page


def test_the_state_of_a_refund_comes_from_the_provider_only(client, sandbox, bought, alice, empty_account):
    """A signed event about a failure changes nothing if the provider does not confirm it."""
    refund = refunds.request(bought, alice, cents=1000)
    event = next(each for each in sandbox.list_events() if each["type"] == "refund.created")
    event |= {"id": "evt_invented", "type": "refund.failed"}
    event["data"]["object"]["status"] = "failed"

    assert deliver(client, event).status_code == 200
    refund.refresh_from_db()
    assert refund.state == State.SUCCEEDED
    assert credits_of(empty_account) == 0


def test_an_unpaid_purchase_causes_no_request_about_refunds(sandbox, purchase):
    sandbox.fail("refuse", status=500, count=1)
    refunds.sync(purchase)
    assert sandbox.get("/_test/")["requests"][0]["count"] == 1
    assert issubclass(types.NotFound, types.RequestRejected)


def test_the_credit_note_of_a_failed_refund_is_void_in_print_too(alice_client, sandbox, bought, alice):
    refund = refunds.request(bought, alice, cents=1000)
    sandbox.post(f"/_test/refunds/{refund.provider_refund}/fail")
    assert "Void" not in alice_client.get(refund.get_absolute_url()).content.decode()
    refunds.sync(bought)

    paper = alice_client.get(refund.get_absolute_url()).content.decode().partition("<article")[2]
    assert "Void: this refund failed" in paper


def test_an_old_purchase_says_when_its_refund_window_ended(alice_client, bought):
    Purchase.objects.update(paid_at="2026-03-04T05:06:00Z")
    page = alice_client.get(f"{bought.get_absolute_url()}/refund").content.decode()
    assert "For this one the time ended on 5 Mar 2026, 05:06 UTC." in page


def test_a_receipt_and_a_credit_note_name_the_readers_zone(alice_client, alice, sandbox, bought, empty_account):
    Purchase.objects.update(paid_at="2026-07-01T20:00:00Z")
    receipt = f"{bought.get_absolute_url()}/receipt"
    assert ">1 Jul 2026, 20:00 UTC</time>" in alice_client.get(receipt).content.decode()
    alice.time_zone = "America/New_York"
    alice.save()
    assert ">1 Jul 2026, 16:00 EDT</time>" in alice_client.get(receipt).content.decode()
    Purchase.objects.update(paid_at=timezone.now())
    refund = refunds.request(Purchase.objects.get(), alice, cents=bought.credit_cents)
    Refund.objects.update(created_at="2026-12-31T23:30:00Z")
    assert ">31 Dec 2026, 18:30 EST</time>" in alice_client.get(refund.get_absolute_url()).content.decode()
