"""One scenario against the sandbox and, with STRIPE_LIVE_TEST_KEY=sk_test_..., against Stripe itself.

The same assertions hold for both: with a key and a network, the test shows where the sandbox is wrong.
"""

import os
import time
import uuid
from typing import Any

import pytest
import stripe

from tests.sandbox.stripe.world import SHOP, Shop, line_item

KEY = os.environ.get("STRIPE_LIVE_TEST_KEY", "")
PROVIDERS = ["sandbox", "stripe"] if KEY.startswith("sk_test_") and "_local_" not in KEY else ["sandbox"]


class RealShop(Shop):
    """The same shop at Stripe, in its test mode."""

    def __init__(self) -> None:
        self.stripe = stripe.StripeClient(KEY, max_network_retries=2)
        self.v1 = self.stripe.v1


@pytest.fixture(params=PROVIDERS)
def shop(request, stripe_sandbox_url):
    return RealShop() if request.param == "stripe" else Shop(stripe_sandbox_url)


@pytest.fixture
def customer(shop):
    return shop.customer(metadata={"organization": "1"})


def key() -> dict[str, str]:
    return {"idempotency_key": f"scenario:{uuid.uuid4()}"}


def test_equal_requests_charge_a_card_once(shop, customer):
    same = key()
    first = shop.charge_while_away(customer.id, "pm_card_visa", **same)
    again = shop.charge_while_away(customer.id, "pm_card_visa", **same)
    assert (first.id, first.status, first.amount_received) == (again.id, "succeeded", 1055)
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        shop.charge_while_away(customer.id, "pm_card_visa", 1056, **same)
    assert [payment.id for payment in shop.v1.payment_intents.list({"customer": customer.id})] == [first.id]


@pytest.mark.parametrize(
    ("alias", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_authenticationRequired", "authentication_required", "authentication_required"),
    ],
)
def test_a_decline_leaves_the_intent_waiting(shop, customer, alias, code, decline_code):
    with pytest.raises(stripe.CardError) as raised:
        shop.charge_while_away(customer.id, alias, **key())
    error: Any = raised.value
    assert (error.http_status, error.code, error.error.decline_code) == (402, code, decline_code)
    payment = shop.v1.payment_intents.retrieve(error.error.payment_intent.id, {"expand": ["latest_charge"]})
    assert (payment.status, payment.latest_charge.status) == ("requires_payment_method", "failed")
    assert payment.last_payment_error.decline_code == decline_code


def test_refunds_end_at_the_charge(shop):
    payment = shop.paid(1000)
    assert shop.v1.refunds.create({"payment_intent": payment.id, "amount": 300}).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        shop.v1.refunds.create({"payment_intent": payment.id, "amount": 701})
    shop.v1.refunds.create({"payment_intent": payment.id})
    with pytest.raises(stripe.InvalidRequestError) as error:
        shop.v1.refunds.create({"payment_intent": payment.id})
    assert error.value.code == "charge_already_refunded"


def test_a_checkout_opens_and_expires(shop, customer):
    session = shop.session(
        customer=customer.id,
        allowed_payment_method_types=["card"],
        client_reference_id="purchase-1",
        expires_at=int(time.time()) + 35 * 60 if isinstance(shop, RealShop) else shop.now() + 35 * 60,
        payment_intent_data={"metadata": {"purchase": "1"}, "receipt_email": "alice@example.com"},
        payment_method_options={"card": {"setup_future_usage": "off_session"}},
    )
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_subtotal, session.amount_total, session.livemode) == (1080, 1080, False)
    assert session.url and session.url.startswith("http")
    expired = shop.v1.checkout.sessions.expire(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    with pytest.raises(stripe.InvalidRequestError, match="open"):
        shop.v1.checkout.sessions.expire(session.id)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"line_items": [line_item("Dust", 10)]}, "amount_too_small"),
        ({"mood": "sunny"}, "parameter_unknown"),
        ({"customer": "cus_nothing"}, "resource_missing"),
        ({"cancel_url": "nowhere"}, "url_invalid"),
    ],
)
def test_a_checkout_that_makes_no_sense_is_refused(shop, changes, code):
    with pytest.raises(stripe.InvalidRequestError) as error:
        shop.session(**changes)
    assert error.value.code == code


def test_a_setup_needs_no_amount(shop, customer):
    session = shop.setup_session(customer.id, cancel_url=SHOP)
    assert (session.status, session.amount_total, session.payment_status) == ("open", None, "no_payment_required")
    assert shop.reload(session, "setup_intent").setup_intent.status == "requires_payment_method"
    shop.v1.checkout.sessions.expire(session.id)


def test_a_disputed_payment_is_disputed(shop):
    payment = shop.paid(1000, card="pm_card_createDispute")
    for _ in range(20):
        found = shop.v1.disputes.list({"payment_intent": payment.id}).data
        if found:
            break
        time.sleep(1)
    assert [(dispute.amount, dispute.reason, dispute.status) for dispute in found] == [
        (1000, "fraudulent", "needs_response")
    ]
