"""Coming back from the payment page, and the pages of a purchase."""

import pytest
from django.core.cache import cache
from django.test import Client

from billing.models import Purchase
from billing.payments import purchases
from tests.billing.conftest import buy, credits_of

PAGE = "/settings/credits"
State = Purchase.State


def test_coming_back_from_the_payment_page_credits_and_says_so(alice_client, sandbox, purchase, empty_account):
    sandbox.pay(purchase)
    page = alice_client.get(f"{PAGE}/return?s={purchase.provider_session}").content.decode()

    assert "$10.00 added" in page
    assert 'Your balance is now <strong class="num">$10.00</strong>' in page
    assert credits_of(empty_account) == 1000
    assert "hx-get" not in page.split('id="purchase-state"')[1].split(">")[0]  # it does not ask again


def test_coming_back_proves_nothing(alice_client, sandbox, purchase, empty_account):
    page = alice_client.get(f"{PAGE}/return?s={purchase.provider_session}").content.decode()

    assert "Waiting for your payment" in page
    assert purchase.checkout_url in page
    assert credits_of(empty_account) == 0


def test_a_payment_under_way_asks_for_itself_until_it_has_arrived(alice_client, sandbox, empty_account, alice):
    purchase = buy(empty_account, alice, method="alipay")
    sandbox.pay(purchase, type="alipay", later=True)
    page = alice_client.get(f"{PAGE}/return?s={purchase.provider_session}").content.decode()
    assert "Payment processing" in page
    assert f'hx-get="{purchase.get_absolute_url()}" hx-trigger="every 2s"' in page
    assert '<meta http-equiv="refresh"' in page  # without JavaScript

    sandbox.settle(purchase, "succeeded")
    cache.clear()  # a second later
    part = alice_client.get(purchase.get_absolute_url(), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "$10.00 added" in part
    assert '<span hx-swap-oob="innerHTML:[data-balance]">$10.00</span>' in part
    assert "hx-trigger" not in part


def test_a_page_that_asks_too_often_gets_what_is_known(alice_client, sandbox, purchase):
    alice_client.get(purchase.get_absolute_url())
    sandbox.pay(purchase)

    assert "Waiting for your payment" in alice_client.get(purchase.get_absolute_url()).content.decode()


def test_coming_back_is_not_told_what_others_learned_a_moment_before(alice_client, sandbox, purchase):
    purchases.sync(purchase)
    assert "Waiting for your payment" in alice_client.get(purchase.get_absolute_url()).content.decode()
    sandbox.pay(purchase)

    page = alice_client.get(f"{PAGE}/return?s={purchase.provider_session}").content.decode()
    assert "$10.00 added" in page


def test_a_declined_card_says_what_to_do_and_leads_back_to_payment(alice_client, sandbox, purchase):
    sandbox.pay(purchase, card="4000000000009995")
    page = alice_client.get(purchase.get_absolute_url()).content.decode()

    assert "The last attempt was declined." in page
    assert "does not have enough funds" in page
    assert purchase.checkout_url in page


def test_an_outage_on_the_way_back_does_not_hide_the_purchase(alice_client, sandbox, purchase):
    sandbox.fail("refuse", status=503, count=3)
    page = alice_client.get(f"{PAGE}/return?s={purchase.provider_session}")

    assert page.status_code == 200
    assert "isn't responding" in page.content.decode()


def test_cancelling_closes_the_payment_page_and_offers_another_try(alice_client, sandbox, purchase):
    sandbox.pay(purchase, card="4000000000000002")
    answer = alice_client.get(f"{purchase.get_absolute_url()}/cancel", follow=True)

    page = answer.content.decode()
    assert "Purchase canceled" in page
    assert "The payment was declined and the bank gave no reason." in page
    assert f'href="{PAGE}?amount=10.00#buy"' in page
    assert sandbox.session(purchase)["status"] == "expired"


def test_cancelling_in_an_outage_says_that_the_page_may_still_be_open(alice_client, sandbox, purchase):
    sandbox.fail("refuse", status=503, count=3)
    answer = alice_client.post(f"{purchase.get_absolute_url()}/cancel", follow=True)

    assert "until then it can still be paid" in answer.content.decode()
    purchase.refresh_from_db()
    assert purchase.state == State.OPEN


def test_a_payment_under_review_names_the_purchase_for_support(alice_client, sandbox, purchase):
    Purchase.objects.update(fee_cents=1)
    sandbox.pay(purchase)
    page = alice_client.get(purchase.get_absolute_url()).content.decode()

    assert "Payment under review" in page
    assert f"support@example.com?subject=Purchase%20{purchase.pk}" in page
    assert "cents requested" not in page  # what differs is for the operator


PAGES_OF_A_PURCHASE = ["/return?s={s}", "/purchases/{p}", "/purchases/{p}/cancel", "/purchases/{p}/receipt"]


@pytest.mark.parametrize("path", PAGES_OF_A_PURCHASE)
@pytest.mark.parametrize("who", ["bob_client", "charlie_client"])
def test_a_purchase_does_not_exist_for_anybody_else(request, sandbox, purchase, empty_account, path, who):
    sandbox.pay(purchase)
    other = request.getfixturevalue(who)

    answer = other.get(PAGE + path.format(s=purchase.provider_session, p=purchase.pk))

    assert answer.status_code == 404
    assert credits_of(empty_account) == 0
    assert sandbox.session(purchase)["payment_status"] == "paid"  # and nobody has cancelled it


@pytest.mark.parametrize("session", ["", "cs_test_made_up", "None"])
def test_a_made_up_payment_page_does_not_exist(alice_client, sandbox, purchase, session):
    Purchase.objects.create(account=purchase.account, credit_cents=500, fee_cents=80, fee_basis_points=550)
    assert alice_client.get(f"{PAGE}/return", {"s": session}).status_code == 404


def test_the_buyer_finds_the_purchase_whichever_organisation_they_work_in_now(alice, sandbox, purchase, empty_account):
    from accounts import access
    from accounts.models import Membership, Organisation

    other = Organisation.objects.create(name="Elsewhere")
    Membership.objects.create(organisation=other, user=alice, role=Membership.Role.ADMIN)
    client = Client()
    client.force_login(alice)
    session = client.session
    session[access.SESSION_ORGANISATION] = other.public_id
    session.save()
    sandbox.pay(purchase)

    assert "$10.00 added" in client.get(f"{PAGE}/return?s={purchase.provider_session}").content.decode()
    assert credits_of(empty_account) == 1000
