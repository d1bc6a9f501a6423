"""Buying credits, told with the payments sandbox over HTTP."""

import dataclasses
import re
from datetime import timedelta

import pytest
import requests
from django.utils import timezone

from billing.credits import reconciliation
from billing.models import CreditAccount, LedgerEntry, Purchase
from billing.payments import declines, purchases
from billing.providers import stripe, types
from billing.providers.stripe import connection
from common.money import pico_from_cents
from tests.billing.at_once import all_at_once
from tests.billing.conftest import buy, credits_of

State = Purchase.State


def test_a_paid_purchase_is_credited_without_its_fee(sandbox, purchase, empty_account):
    assert (purchase.state, purchase.credit_cents, purchase.fee_cents) == (State.OPEN, 1000, 80)
    assert sandbox.session(purchase)["amount_total"] == 1080

    sandbox.pay(purchase)
    purchase = purchases.sync(purchase)

    assert purchase.state == State.CREDITED
    assert purchase.paid_with == "Visa ending in 4242"
    assert purchase.receipt_number == f"{empty_account.pk:06d}-0001"
    assert purchase.receipt_url.startswith(sandbox.address)
    entry = LedgerEntry.objects.get()
    assert (entry.kind, entry.amount, entry.purchase) == ("purchase", pico_from_cents(1000), purchase)
    empty_account.refresh_from_db()
    assert empty_account.credits == empty_account.purchased == pico_from_cents(1000)
    assert reconciliation.faults() == []


def test_the_provider_is_asked_for_exactly_what_was_quoted(sandbox, purchase, alice):
    session = sandbox.session(purchase)

    assert session["currency"] == "usd"
    assert session["payment_method_types"] == ["card"]
    assert session["client_reference_id"] == session["metadata"]["purchase"] == str(purchase.pk)
    assert session["success_url"] == "http://testserver/settings/credits/return?s={CHECKOUT_SESSION_ID}"
    assert session["cancel_url"] == f"http://testserver/settings/credits/purchases/{purchase.pk}/cancel"
    page = requests.get(session["url"], timeout=10).text
    lines = re.findall(r'class="what">([^<]*)</span><span class="amount">([^<]*)<', page)
    assert lines == [("Credits", "$10.00"), ("Platform fee", "$0.80"), ("Total due", "$10.80")]
    customer = sandbox._get(f"/v1/customers/{session['customer']}")
    assert customer["email"] == alice.email
    assert customer["metadata"] == {"organisation": alice.personal_organisation.public_id}


def test_nothing_is_credited_before_the_buyer_has_paid(purchase, empty_account):
    purchase = purchases.sync(purchase)

    assert purchase.state == State.OPEN
    assert credits_of(empty_account) == 0


def test_asking_again_after_the_credit_changes_nothing(sandbox, purchase, empty_account):
    sandbox.pay(purchase)
    first = purchases.sync(purchase)

    for stale in (purchase, first, Purchase.objects.get()):
        assert purchases.sync(stale).credited_at == first.credited_at

    assert credits_of(empty_account) == 1000
    assert LedgerEntry.objects.count() == 1


def test_alipay_is_paid_on_a_page_of_its_own(sandbox, empty_account, alice):
    purchase = buy(empty_account, alice, 2500, method="alipay")
    assert sandbox.session(purchase)["payment_method_types"] == ["alipay"]

    sandbox.pay(purchase, type="alipay")
    purchase = purchases.sync(purchase)

    assert (purchase.state, purchase.paid_with) == (State.CREDITED, "AliPay")
    assert credits_of(empty_account) == 2500


def test_money_that_arrives_later_is_credited_when_it_has_arrived(sandbox, empty_account, alice):
    purchase = buy(empty_account, alice, method="alipay")
    sandbox.pay(purchase, type="alipay", later=True)
    assert purchases.sync(purchase).state == State.PROCESSING
    assert credits_of(empty_account) == 0

    sandbox.settle(purchase, "succeeded")
    assert purchases.sync(purchase).state == State.CREDITED
    assert credits_of(empty_account) == 1000


def test_money_that_never_arrives_fails_the_purchase(sandbox, empty_account, alice):
    purchase = buy(empty_account, alice, method="alipay")
    sandbox.pay(purchase, type="alipay", later=True)
    sandbox.settle(purchase, "failed")

    purchase = purchases.sync(purchase)
    assert (purchase.state, purchase.failure) == (State.FAILED, declines.explain("any", "alipay"))
    assert "pay by card" in purchase.failure
    assert credits_of(empty_account) == 0


def test_a_declined_card_credits_nothing_and_another_card_can_follow(sandbox, purchase, empty_account):
    sandbox.pay(purchase, card="4000000000009995")
    purchase = purchases.sync(purchase)
    assert purchase.state == State.OPEN
    assert purchase.failure == declines.explain("insufficient_funds")
    assert credits_of(empty_account) == 0

    sandbox.pay(purchase)
    purchase = purchases.sync(purchase)
    assert (purchase.state, purchase.failure) == (State.CREDITED, "")
    assert credits_of(empty_account) == 1000


def test_stolen_and_lost_cards_read_like_a_decline_without_reason():
    assert declines.explain("stolen_card") == declines.explain("lost_card") == declines.explain("generic_decline")
    assert declines.explain("") == ""


# --- Cancelled and late ---------------------------------------------------------------------------


def test_a_cancelled_purchase_cannot_be_paid_any_more(sandbox, purchase, empty_account):
    purchase = purchases.cancel(purchase)

    assert purchase.state == State.CANCELED
    assert sandbox.session(purchase)["status"] == "expired"
    assert purchases.sync(purchase).state == State.CANCELED


def test_cancelling_after_the_decline_keeps_what_the_buyer_can_do(sandbox, purchase):
    sandbox.pay(purchase, card="4000000000000069")

    purchase = purchases.cancel(purchase)

    assert (purchase.state, purchase.failure) == (State.CANCELED, declines.explain("expired_card"))


def test_cancelling_what_was_paid_meanwhile_credits_it(sandbox, purchase, empty_account):
    sandbox.pay(purchase)

    assert purchases.cancel(purchase).state == State.CREDITED
    assert credits_of(empty_account) == 1000


@pytest.mark.parametrize("state", [State.EXPIRED, State.CANCELED, State.FAILED])
def test_a_payment_that_arrives_after_the_end_is_credited(sandbox, purchase, empty_account, state):
    sandbox.pay(purchase)
    Purchase.objects.update(state=state)

    assert purchases.sync(Purchase.objects.get()).state == State.CREDITED
    assert credits_of(empty_account) == 1000


# --- Not what was asked for -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"credit_cents": 900}, "cents requested is 1080, not 980"),
        ({"fee_cents": 60}, "cents requested is 1080, not 1060"),
        ({"provider_customer": "cus_somebody_else"}, "customer is"),
    ],
    ids=["credits", "fee", "customer"],
)
def test_a_payment_other_than_quoted_waits_for_a_person(sandbox, purchase, empty_account, change, named):
    Purchase.objects.update(**change)
    sandbox.pay(purchase)

    purchase = purchases.sync(Purchase.objects.get())

    assert purchase.state == State.REVIEW
    assert named in purchase.review_reason
    assert credits_of(empty_account) == 0
    assert not LedgerEntry.objects.exists()


def test_a_payment_in_another_mode_waits_for_a_person(sandbox, purchase, empty_account, settings):
    sandbox.pay(purchase)
    settings.STRIPE_IS_SANDBOX, settings.STRIPE_SECRET_KEY = False, "sk_test_local_live_"  # says it is live

    purchase = purchases.sync(purchase)

    assert purchase.state == State.REVIEW
    assert "live mode is False, not True" in purchase.review_reason
    assert credits_of(empty_account) == 0


def test_a_payment_in_another_currency_waits_for_a_person(sandbox, purchase, empty_account):
    theirs = euro_session(sandbox, purchase)
    Purchase.objects.update(provider_session=theirs["id"])
    purchase = Purchase.objects.get()
    sandbox.pay(purchase)

    purchase = purchases.sync(purchase)

    assert purchase.state == State.REVIEW
    assert "currency is 'eur', not 'usd'" in purchase.review_reason
    assert credits_of(empty_account) == 0


def test_a_payment_page_of_another_purchase_waits_for_a_person(sandbox, purchase, empty_account, alice):
    other = buy(empty_account, alice)
    sandbox.pay(other)
    Purchase.objects.filter(pk=other.pk).update(provider_session=None)
    Purchase.objects.filter(pk=purchase.pk).update(provider_session=other.provider_session)

    purchase = purchases.sync(Purchase.objects.get(pk=purchase.pk))

    assert purchase.state == State.REVIEW
    assert "purchase is" in purchase.review_reason
    assert credits_of(empty_account) == 0


def euro_session(sandbox, purchase):
    """A page like the purchase's own in everything but the currency."""
    client = connection.client()
    session = client.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "allowed_payment_method_types": ["card"],
            "customer": purchase.provider_customer,
            "client_reference_id": str(purchase.pk),
            "metadata": {"purchase": str(purchase.pk)},
            "payment_intent_data": {"metadata": {"purchase": str(purchase.pk)}},
            "line_items": [
                {
                    "quantity": 1,
                    "price_data": {"currency": "eur", "unit_amount": 1080, "product_data": {"name": "Credits"}},
                }
            ],
            "success_url": "http://testserver/",
        }
    )
    return session.to_dict()


# --- Forms that are sent twice, providers that do not answer ----------------------------------------


def test_the_same_form_sent_twice_makes_one_purchase(sandbox, empty_account, alice):
    before = sandbox.count("checkout/sessions")
    first = buy(empty_account, alice, token="one form, sent twice")
    second = buy(empty_account, alice, token="one form, sent twice")

    assert first == second
    assert Purchase.objects.count() == 1
    assert sandbox.count("checkout/sessions") == before + 1


def test_the_same_form_with_another_amount_or_method_is_another_purchase(sandbox, empty_account, alice):
    token = "a form from the back button"
    bought = [buy(empty_account, alice, 1000, token=token), buy(empty_account, alice, 2500, token=token)]
    bought.append(buy(empty_account, alice, 2500, method="alipay", token=token))

    assert [purchase.total_cents for purchase in bought] == [1080, 2638, 2638]
    assert len({purchase.provider_session for purchase in bought}) == 3


def test_two_people_may_use_the_same_form_token(sandbox, empty_account, alice, charlie):
    from billing import spending

    mine = buy(empty_account, alice, token="not a secret at all")
    theirs = buy(spending.account_of(charlie.personal_organisation), charlie, token="not a secret at all")

    assert mine != theirs
    assert mine.provider_customer != theirs.provider_customer


def test_one_customer_stands_for_all_purchases_of_an_organisation(sandbox, empty_account, alice):
    first, second = buy(empty_account, alice), buy(empty_account, alice)

    assert first.provider_customer == second.provider_customer
    assert CreditAccount.objects.get().stripe_customer_id == first.provider_customer


def test_a_customer_that_the_provider_does_not_know_is_made_anew(sandbox, empty_account, alice):
    CreditAccount.objects.update(stripe_customer_id="cus_of_another_provider")

    purchase = buy(empty_account, alice)

    assert purchase.state == State.OPEN
    assert purchase.provider_customer not in {"", "cus_of_another_provider"}
    sandbox.pay(purchase)
    assert purchases.sync(purchase).state == State.CREDITED


def test_a_lost_answer_is_asked_for_again_and_makes_one_payment_page(sandbox, empty_account, alice):
    before = sandbox.count("checkout/sessions")
    sandbox.fail("drop", path="/v1/checkout/sessions", method="POST")  # done, but the answer never arrives

    purchase = buy(empty_account, alice)

    assert purchase.state == State.OPEN
    assert sandbox.count("checkout/sessions") == before + 1


def test_a_provider_that_does_not_answer_leaves_a_failed_purchase_and_no_charge(sandbox, empty_account, alice):
    sandbox.fail("refuse", status=503, count=3, path="/v1/checkout/sessions")

    with pytest.raises(types.Unavailable):
        buy(empty_account, alice, token="sent in an outage")

    purchase = Purchase.objects.get()
    assert purchase.state == State.FAILED
    assert "Nothing was charged" in purchase.failure
    assert buy(empty_account, alice, token="a new form afterwards").state == State.OPEN


def test_nothing_changes_while_the_provider_cannot_be_asked(sandbox, purchase, empty_account):
    sandbox.pay(purchase)
    sandbox.fail("refuse", status=500, count=3)

    with pytest.raises(types.Unavailable):
        purchases.sync(purchase)
    assert Purchase.objects.get().state == State.OPEN

    assert purchases.sync(purchase).state == State.CREDITED
    assert credits_of(empty_account) == 1000


def test_the_key_of_another_account_is_refused_in_words(sandbox, settings):
    settings.STRIPE_IS_SANDBOX, settings.STRIPE_SECRET_KEY = False, "sk_test_somebody_else"

    with pytest.raises(types.CredentialsRejected, match="STRIPE_SECRET_KEY"):
        stripe.fetch_checkout("cs_test_1")


def test_receipts_of_an_account_are_numbered_without_gaps(sandbox, empty_account, alice):
    bought = [buy(empty_account, alice) for _ in range(3)]
    sandbox.pay(bought[2])
    sandbox.pay(bought[0])

    numbers = [purchases.sync(bought[number]).receipt_number for number in (2, 1, 0)]
    assert numbers == [f"{empty_account.pk:06d}-0001", None, f"{empty_account.pk:06d}-0002"]


def test_the_payment_page_stays_open_for_at_least_half_an_hour(sandbox, purchase):
    assert purchase.expires_at > timezone.now() + timedelta(minutes=30)
    assert sandbox.session(purchase)["expires_at"] == int(purchase.expires_at.timestamp())


# --- At the same time -----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_four_who_fulfil_one_purchase_at_once_credit_it_once(sandbox, purchase, empty_account):
    sandbox.pay(purchase)

    results = all_at_once(*[lambda: purchases.sync(purchase)] * 4)

    assert [each.state for each in results] == [State.CREDITED] * 4
    assert credits_of(empty_account) == 1000
    assert (LedgerEntry.objects.count(), empty_account.lots.count()) == (1, 1)
    assert reconciliation.faults() == []


@pytest.mark.django_db(transaction=True)
def test_sixteen_starts_with_one_form_make_one_purchase(sandbox, empty_account, alice):
    before = sandbox.count("checkout/sessions"), sandbox.count("customers")

    results = all_at_once(*[lambda: buy(empty_account, alice, token="clicked sixteen times")] * 16)

    assert {type(each) for each in results} == {Purchase}, results
    assert len({each.pk for each in results}) == len({each.checkout_url for each in results}) == 1
    assert Purchase.objects.count() == 1
    assert (sandbox.count("checkout/sessions"), sandbox.count("customers")) == (before[0] + 1, before[1] + 1)


@pytest.mark.django_db(transaction=True)
def test_purchases_of_one_account_that_are_paid_at_once_are_all_credited(sandbox, empty_account, alice):
    bought = [buy(empty_account, alice, cents) for cents in (500, 1000, 1500, 2000, 2500, 3000)]
    for purchase in bought:
        sandbox.pay(purchase)

    results = all_at_once(*[lambda each=each: purchases.sync(each) for each in bought for _ in range(2)])

    assert {each.state for each in results} == {State.CREDITED}
    assert credits_of(empty_account) == 500 + 1000 + 1500 + 2000 + 2500 + 3000
    numbers = Purchase.objects.order_by("receipt_number").values_list("receipt_number", flat=True)
    assert list(numbers) == [f"{empty_account.pk:06d}-{number:04d}" for number in range(1, 7)]
    assert reconciliation.faults() == []


def test_everything_that_the_gateway_hands_out_is_frozen():
    assert all(
        getattr(stripe, name).__dataclass_params__.frozen
        for name in stripe.__all__
        if dataclasses.is_dataclass(getattr(stripe, name))
    )
