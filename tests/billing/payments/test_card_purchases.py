"""Purchases by card and Alipay: what differs from other payment methods."""

import dataclasses
import re
from datetime import timedelta

import pytest
import requests
from django.utils import timezone

from billing import spending
from billing.credits import reconciliation
from billing.models import CreditAccount, Purchase
from billing.payments import declines, purchases
from billing.providers import stripe, types
from billing.providers.stripe import connection
from tests.billing.at_once import all_at_once
from tests.billing.conftest import buy, credits_of

State = Purchase.State


def test_the_payment_page_requests_exactly_what_was_quoted(sandbox, purchase, alice):
    session = sandbox.session(purchase)

    assert (session["currency"], session["amount_total"]) == ("usd", 1080)
    assert session["payment_method_types"] == ["card"]
    assert session["client_reference_id"] == session["metadata"]["purchase"] == str(purchase.pk)
    assert session["success_url"] == "http://testserver/settings/credits/return?s={CHECKOUT_SESSION_ID}"
    assert session["cancel_url"] == f"http://testserver/settings/credits/purchases/{purchase.pk}/cancel"
    page = requests.get(session["url"], timeout=10).text
    lines = re.findall(r'class="what">([^<]*)</span><span class="amount">([^<]*)<', page)
    assert lines == [("Credits", "$10.00"), ("Platform fee", "$0.80"), ("Total due", "$10.80")]
    customer = sandbox.get(f"/v1/customers/{session['customer']}")
    assert customer["email"] == alice.email
    assert customer["metadata"] == {"organisation": alice.personal_organisation.public_id}


def test_the_payment_page_stays_open_for_at_least_half_an_hour(sandbox, purchase):
    assert purchase.expires_at > timezone.now() + timedelta(minutes=30)
    assert sandbox.session(purchase)["expires_at"] == int(purchase.expires_at.timestamp())


def test_the_providers_receipt_is_linked(sandbox, bought):
    assert bought.receipt_url.startswith(sandbox.address)


def test_receipts_of_an_account_are_numbered_without_gaps(sandbox, empty_account, alice):
    bought = [buy(empty_account, alice) for _ in range(3)]
    sandbox.pay(bought[2])
    sandbox.pay(bought[0])

    numbers = [purchases.sync(bought[number]).receipt_number for number in (2, 1, 0)]
    assert numbers == [f"{empty_account.pk:06d}-0001", None, f"{empty_account.pk:06d}-0002"]


# --- Alipay, and declined cards ---------------------------------------------------------------------


def test_alipay_has_a_payment_page_of_its_own(sandbox, empty_account, alice):
    purchase = buy(empty_account, alice, 2500, method="alipay")
    assert sandbox.session(purchase)["payment_method_types"] == ["alipay"]

    sandbox.pay(purchase, type="alipay")
    purchase = purchases.sync(purchase)

    assert (purchase.state, purchase.paid_with) == (State.CREDITED, "Alipay")
    assert credits_of(empty_account) == 2500


def test_a_delayed_payment_is_credited_when_it_arrives(sandbox, empty_account, alice):
    purchase = buy(empty_account, alice, method="alipay")
    sandbox.pay(purchase, type="alipay", later=True)
    assert purchases.sync(purchase).state == State.PROCESSING
    assert credits_of(empty_account) == 0

    sandbox.settle(purchase, "succeeded")
    assert purchases.sync(purchase).state == State.CREDITED
    assert credits_of(empty_account) == 1000


def test_a_delayed_payment_that_fails_ends_the_purchase(sandbox, empty_account, alice):
    purchase = buy(empty_account, alice, method="alipay")
    sandbox.pay(purchase, type="alipay", later=True)
    sandbox.settle(purchase, "failed")

    purchase = purchases.sync(purchase)
    assert (purchase.state, purchase.failure) == (State.FAILED, declines.explain("any", "alipay"))
    assert "pay by card" in purchase.failure
    assert credits_of(empty_account) == 0


def test_after_a_decline_another_card_can_pay(sandbox, purchase, empty_account):
    sandbox.pay(purchase, card="4000000000009995")
    purchase = purchases.sync(purchase)
    assert purchase.state == State.OPEN
    assert purchase.failure == declines.explain("insufficient_funds")
    assert credits_of(empty_account) == 0

    sandbox.pay(purchase)
    purchase = purchases.sync(purchase)
    assert (purchase.state, purchase.failure) == (State.CREDITED, "")
    assert credits_of(empty_account) == 1000


def test_canceling_after_a_decline_keeps_the_explanation(sandbox, purchase):
    sandbox.pay(purchase, card="4000000000000069")

    purchase = purchases.cancel(purchase)

    assert (purchase.state, purchase.failure) == (State.CANCELED, declines.explain("expired_card"))


def test_stolen_and_lost_cards_read_like_a_decline_without_a_reason():
    assert declines.explain("stolen_card") == declines.explain("lost_card") == declines.explain("generic_decline")
    assert declines.explain("") == ""


# --- Payments that differ from the quote ------------------------------------------------------------


def test_a_payment_without_the_whole_fee_is_reviewed(sandbox, purchase, empty_account):
    Purchase.objects.update(fee_cents=60)
    sandbox.pay(purchase)

    purchase = purchases.sync(Purchase.objects.get())

    assert purchase.state == State.REVIEW
    assert "cents requested is 1080, not 1060" in purchase.review_reason
    assert credits_of(empty_account) == 0


def test_a_payment_in_another_currency_is_reviewed(sandbox, purchase, empty_account):
    Purchase.objects.update(provider_session=euro_session(purchase)["id"])
    purchase = Purchase.objects.get()
    sandbox.pay(purchase)

    purchase = purchases.sync(purchase)

    assert purchase.state == State.REVIEW
    assert "currency is 'eur', not 'usd'" in purchase.review_reason
    assert credits_of(empty_account) == 0


def euro_session(purchase):
    """A page that differs from the purchase's own only in the currency."""
    price = {"currency": "eur", "unit_amount": 1080, "product_data": {"name": "Credits"}}
    session = connection.client().v1.checkout.sessions.create(
        {
            "mode": "payment",
            "allowed_payment_method_types": ["card"],
            "customer": purchase.provider_customer,
            "client_reference_id": str(purchase.pk),
            "metadata": {"purchase": str(purchase.pk)},
            "payment_intent_data": {"metadata": {"purchase": str(purchase.pk)}},
            "line_items": [{"quantity": 1, "price_data": price}],
            "success_url": "http://testserver/",
        }
    )
    return session.to_dict()


# --- Forms and customers ----------------------------------------------------------------------------


def test_a_form_with_another_amount_or_method_creates_another_purchase(sandbox, empty_account, alice):
    token = "form from the back button"
    bought = [buy(empty_account, alice, 1000, token=token), buy(empty_account, alice, 2500, token=token)]
    bought.append(buy(empty_account, alice, 2500, method="alipay", token=token))

    assert [purchase.total_cents for purchase in bought] == [1080, 2638, 2638]
    assert len({purchase.provider_session for purchase in bought}) == 3


def test_two_accounts_may_use_the_same_form_token(sandbox, empty_account, alice, charlie):
    mine = buy(empty_account, alice, token="not a secret")
    theirs = buy(spending.account_of(charlie.personal_organisation), charlie, token="not a secret")

    assert mine != theirs
    assert mine.provider_customer != theirs.provider_customer


def test_all_purchases_of_an_account_have_one_customer(sandbox, empty_account, alice):
    first, second = buy(empty_account, alice), buy(empty_account, alice)

    assert first.provider_customer == second.provider_customer
    assert CreditAccount.objects.get().stripe_customer_id == first.provider_customer


@pytest.mark.django_db(transaction=True)
def test_a_form_submitted_eight_times_at_once_creates_one_customer(sandbox, empty_account, alice):
    before = sandbox.count("customers")
    all_at_once(*[lambda: buy(empty_account, alice, token="clicked eight times")] * 8)
    assert sandbox.count("customers") == before + 1


def test_a_customer_unknown_to_the_provider_is_replaced(sandbox, empty_account, alice):
    CreditAccount.objects.update(stripe_customer_id="cus_of_another_provider")

    purchase = buy(empty_account, alice)

    assert purchase.state == State.OPEN
    assert purchase.provider_customer not in {"", "cus_of_another_provider"}
    sandbox.pay(purchase)
    assert purchases.sync(purchase).state == State.CREDITED


def test_a_rejected_api_key_is_named(sandbox, settings):
    settings.STRIPE_IS_SANDBOX, settings.STRIPE_SECRET_KEY = False, "sk_test_other"

    with pytest.raises(types.CredentialsRejected, match="STRIPE_SECRET_KEY"):
        stripe.fetch_checkout("cs_test_1")


def test_everything_the_gateway_returns_is_frozen():
    for module in (stripe, types):
        classes = [getattr(module, name) for name in module.__all__]
        assert all(each.__dataclass_params__.frozen for each in classes if dataclasses.is_dataclass(each))


@pytest.mark.django_db(transaction=True)
def test_purchases_of_one_account_synced_at_once_are_all_credited(sandbox, empty_account, alice):
    bought = [buy(empty_account, alice, cents) for cents in (500, 1000, 1500, 2000, 2500, 3000)]
    for purchase in bought:
        sandbox.pay(purchase)

    results = all_at_once(*[lambda each=each: purchases.sync(each) for each in bought for _ in range(2)])

    assert {each.state for each in results} == {State.CREDITED}
    assert credits_of(empty_account) == 500 + 1000 + 1500 + 2000 + 2500 + 3000
    numbers = Purchase.objects.order_by("receipt_number").values_list("receipt_number", flat=True)
    assert list(numbers) == [f"{empty_account.pk:06d}-{number:04d}" for number in range(1, 7)]
    assert reconciliation.faults() == []
