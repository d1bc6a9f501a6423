"""Giving money back on the site's pages: the offer, the button, the credit note."""

from datetime import timedelta

import pytest
from django.utils import timezone

from billing.models import Purchase, Refund
from billing.payments import refunds
from billing.providers import types
from tests.billing.conftest import credits_of, deliver, hidden, refunded_at_provider, spend

State = Refund.State


def test_the_history_offers_a_refund_while_there_is_one(alice_client, bought, empty_account):
    address = f"{bought.get_absolute_url()}/refund"
    assert address in alice_client.get("/settings/credits").content.decode()

    Purchase.objects.update(paid_at=timezone.now() - timedelta(hours=25))
    assert address not in alice_client.get("/settings/credits").content.decode()


def test_the_button_shows_what_comes_back_and_gives_it_back(alice_client, sandbox, bought, empty_account):
    spend(empty_account, used=250)
    page = alice_client.get(f"{bought.get_absolute_url()}/refund").content.decode()
    assert "Refund $7.50" in page
    assert "Visa ending in 4242" in page

    answer = alice_client.post(f"{bought.get_absolute_url()}/refund", {"cents": hidden(page, "cents")}, follow=True)
    note = answer.content.decode()
    assert "Credit note" in note and "$7.50 is on its way" in note
    assert refunded_at_provider(sandbox, bought) == [750]
    assert "credit note" in alice_client.get(f"{bought.get_absolute_url()}/receipt").content.decode()
    history = alice_client.get("/settings/credits").content.decode()
    assert "-$7.50" in history and "Refunded" in history and Refund.objects.get().get_absolute_url() in history


def test_a_changed_amount_is_shown_before_anything_happens(alice_client, bought, empty_account):
    page = alice_client.get(f"{bought.get_absolute_url()}/refund").content.decode()
    spend(empty_account, used=250)

    answer = alice_client.post(f"{bought.get_absolute_url()}/refund", {"cents": hidden(page, "cents")})
    assert answer.status_code == 409
    assert "The amount has changed" in answer.content.decode()
    assert hidden(answer.content.decode(), "cents") == "750"
    assert not Refund.objects.exists()


@pytest.mark.parametrize("sent", [{}, {"cents": ""}, {"cents": "0"}, {"cents": "-5"}, {"cents": "all"}])
def test_a_form_without_an_amount_gives_nothing_back(alice_client, bought, sent):
    alice_client.post(f"{bought.get_absolute_url()}/refund", sent)
    assert not Refund.objects.exists()


def test_a_purchase_that_cannot_be_refunded_says_why(alice_client, bought):
    Purchase.objects.update(paid_at=timezone.now() - timedelta(hours=25))
    page = alice_client.get(f"{bought.get_absolute_url()}/refund").content.decode()
    assert "within 24 hours" in page
    assert "Refund $" not in page

    answer = alice_client.post(f"{bought.get_absolute_url()}/refund", {"cents": "1000"})
    assert answer.status_code == 409
    assert not Refund.objects.exists()


@pytest.mark.parametrize("who", ["bob_client", "charlie_client"])
def test_refunds_do_not_exist_for_anybody_else(request, bought, empty_account, alice, who):
    refund = refunds.request(bought, alice, cents=1000)
    other = request.getfixturevalue(who)
    for method, path in [("get", "/refund"), ("post", "/refund")]:
        assert getattr(other, method)(bought.get_absolute_url() + path, {"cents": "1000"}).status_code == 404
    assert other.get(refund.get_absolute_url()).status_code == 404


def test_a_failed_refund_says_that_the_credits_are_back(alice_client, sandbox, bought, alice):
    refund = refunds.request(bought, alice, cents=1000)
    sandbox.post(f"/_test/refunds/{refund.provider_refund}/fail")
    refunds.sync(bought)

    page = alice_client.get(refund.get_absolute_url()).content.decode()
    assert "The refund failed." in page
    assert "The credits are back in your balance." in page


def test_only_the_payment_provider_decides_what_became_of_a_refund(client, sandbox, bought, alice, empty_account):
    """A signed event that tells of a failure which the provider does not confirm changes nothing."""
    refund = refunds.request(bought, alice, cents=1000)
    told = next(each for each in sandbox.list_all("events") if each["type"] == "refund.created")
    told |= {"id": "evt_invented", "type": "refund.failed"}
    told["data"]["object"]["status"] = "failed"

    assert deliver(client, told).status_code == 200
    refund.refresh_from_db()
    assert refund.state == State.SUCCEEDED
    assert credits_of(empty_account) == 0


def test_nothing_is_asked_about_a_purchase_that_was_never_paid(sandbox, purchase):
    sandbox.fail("refuse", status=500, count=1)
    refunds.sync(purchase)
    assert sandbox.get("/_test/")["requests"][0]["count"] == 1
    assert issubclass(types.NotFound, types.RequestRejected)


def test_the_credit_note_of_a_failed_refund_is_void_also_in_print(alice_client, sandbox, bought, alice):
    refund = refunds.request(bought, alice, cents=1000)
    sandbox.post(f"/_test/refunds/{refund.provider_refund}/fail")
    assert "Void" not in alice_client.get(refund.get_absolute_url()).content.decode()
    refunds.sync(bought)

    paper = alice_client.get(refund.get_absolute_url()).content.decode().partition("<article")[2]
    assert "Void: this refund failed" in paper


def test_a_purchase_that_is_too_old_says_until_when_it_could_be_refunded(alice_client, bought):
    Purchase.objects.update(paid_at="2026-03-04T05:06:00Z")
    page = alice_client.get(f"{bought.get_absolute_url()}/refund").content.decode()
    assert "For this one the time ended on 5 March 2026, 05:06 UTC." in page
