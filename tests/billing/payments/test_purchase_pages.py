"""The pages of a purchase, and the return from the payment page."""

import pytest
from django.core.cache import cache
from django.test import Client

from accounts import access
from accounts.models import Membership, Organisation
from billing.models import Purchase
from billing.payments import purchases
from tests.billing.conftest import buy, credits_of

PAGE = "/settings/credits"
State = Purchase.State


def test_returning_from_the_payment_page_credits_and_says_so(alice_client, sandbox, purchase, empty_account):
    sandbox.pay(purchase)
    page = alice_client.get(f"{PAGE}/return?s={purchase.provider_session}").content.decode()

    assert "$10.00 added" in page
    assert 'Your balance is now <strong class="num">$10.00</strong>' in page
    assert credits_of(empty_account) == 1000
    assert "hx-get" not in page.split('id="purchase-state"')[1].split(">")[0]  # no polling


def test_returning_does_not_prove_the_payment(alice_client, sandbox, purchase, empty_account):
    page = alice_client.get(f"{PAGE}/return?s={purchase.provider_session}").content.decode()

    assert "Waiting for your payment" in page
    assert purchase.checkout_url in page
    assert credits_of(empty_account) == 0


def test_the_page_of_a_pending_payment_polls_until_it_arrives(alice_client, sandbox, empty_account, alice):
    purchase = buy(empty_account, alice, method="alipay")
    sandbox.pay(purchase, type="alipay", later=True)
    page = alice_client.get(f"{PAGE}/return?s={purchase.provider_session}").content.decode()
    assert "Payment processing" in page
    assert f'hx-get="{purchase.get_absolute_url()}" hx-trigger="every 2s"' in page
    assert '<meta http-equiv="refresh"' in page  # without JavaScript

    sandbox.settle(purchase, "succeeded")
    cache.clear()  # the rate limit has passed
    part = alice_client.get(purchase.get_absolute_url(), headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in part
    assert "$10.00 added" in part
    assert '<span hx-swap-oob="innerHTML:[data-balance]">$10.00</span>' in part
    assert "hx-trigger" not in part


def test_polling_is_rate_limited(alice_client, sandbox, purchase):
    alice_client.get(purchase.get_absolute_url())
    sandbox.pay(purchase)

    assert "Waiting for your payment" in alice_client.get(purchase.get_absolute_url()).content.decode()


def test_returning_fetches_even_just_after_another_page_did(alice_client, sandbox, purchase):
    purchases.sync(purchase)
    assert "Waiting for your payment" in alice_client.get(purchase.get_absolute_url()).content.decode()
    sandbox.pay(purchase)

    page = alice_client.get(f"{PAGE}/return?s={purchase.provider_session}").content.decode()
    assert "$10.00 added" in page


def test_a_declined_card_is_explained_and_links_back_to_the_payment(alice_client, sandbox, purchase):
    sandbox.pay(purchase, card="4000000000009995")
    page = alice_client.get(purchase.get_absolute_url()).content.decode()

    assert "The last attempt was declined." in page
    assert "enough funds" in page
    assert purchase.checkout_url in page


def test_an_outage_does_not_hide_the_purchase(alice_client, sandbox, purchase):
    sandbox.fail("refuse", status=503, count=3)
    page = alice_client.get(f"{PAGE}/return?s={purchase.provider_session}")

    assert page.status_code == 200
    assert "isn't responding" in page.content.decode()


def test_canceling_closes_the_payment_page_and_offers_another_try(alice_client, sandbox, purchase):
    sandbox.pay(purchase, card="4000000000000002")
    response = alice_client.get(f"{purchase.get_absolute_url()}/cancel", follow=True)

    page = response.content.decode()
    assert "Purchase canceled" in page
    assert "Your bank declined the payment without a reason." in page
    assert f'href="{PAGE}?amount=10.00#buy"' in page
    assert sandbox.session(purchase)["status"] == "expired"


def test_canceling_in_an_outage_says_that_the_page_may_still_be_open(alice_client, sandbox, purchase):
    sandbox.fail("refuse", status=503, count=3)
    response = alice_client.post(f"{purchase.get_absolute_url()}/cancel", follow=True)

    assert "You can still pay there until it expires" in response.content.decode()
    purchase.refresh_from_db()
    assert purchase.state == State.OPEN


def test_a_payment_under_review_shows_the_purchase_id_for_support(alice_client, sandbox, purchase):
    Purchase.objects.update(fee_cents=1)
    sandbox.pay(purchase)
    page = alice_client.get(purchase.get_absolute_url()).content.decode()

    assert "Payment under review" in page
    assert f"support@example.com?subject=Purchase%20{purchase.pk}" in page
    assert "cents requested" not in page  # details are for operators only


PAGES_OF_A_PURCHASE = ["/return?s={s}", "/purchases/{p}", "/purchases/{p}/cancel", "/purchases/{p}/receipt"]


@pytest.mark.parametrize("path", PAGES_OF_A_PURCHASE)
@pytest.mark.parametrize("user", ["bob_client", "charlie_client"])
def test_a_purchase_is_not_found_by_other_users(request, sandbox, purchase, empty_account, path, user):
    sandbox.pay(purchase)
    other = request.getfixturevalue(user)

    response = other.get(PAGE + path.format(s=purchase.provider_session, p=purchase.pk))

    assert response.status_code == 404
    assert credits_of(empty_account) == 0
    assert sandbox.session(purchase)["payment_status"] == "paid"  # not canceled


@pytest.mark.parametrize("session", ["", "cs_test_made_up", "None"])
def test_an_unknown_payment_page_is_not_found(alice_client, sandbox, purchase, session):
    Purchase.objects.create(account=purchase.account, credit_cents=500, fee_cents=80, fee_basis_points=550)
    assert alice_client.get(f"{PAGE}/return", {"s": session}).status_code == 404


def test_the_buyer_sees_the_purchase_while_working_in_another_organization(alice, sandbox, purchase, empty_account):
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
