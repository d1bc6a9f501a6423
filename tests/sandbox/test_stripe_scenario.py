"""One scenario, played by the sandbox and, with STRIPE_LIVE_TEST_KEY=sk_test_..., by Stripe itself.

The same assertions hold for both: what the sandbox gets wrong shows when somebody has a key and a network.
"""

import os
import time
import uuid
from typing import Any

import pytest
import stripe

from tests.sandbox.stripe_world import SHOP, Shop, line_item

KEY = os.environ.get("STRIPE_LIVE_TEST_KEY", "")
PLAYERS = ["sandbox", "stripe"] if KEY.startswith("sk_test_") and "_local_" not in KEY else ["sandbox"]


class RealShop(Shop):
    """The same shop at Stripe, in its test mode."""

    def __init__(self) -> None:
        self.stripe = stripe.StripeClient(KEY, max_network_retries=2)
        self.v1 = self.stripe.v1


@pytest.fixture(params=PLAYERS)
def player(request, stripe_sandbox_url):
    return RealShop() if request.param == "stripe" else Shop(stripe_sandbox_url)


@pytest.fixture
def customer(player):
    return player.customer(metadata={"organisation": "1"})


def key() -> dict[str, str]:
    return {"idempotency_key": f"scenario:{uuid.uuid4()}"}


def test_a_saved_card_pays_once_however_often_it_is_asked(player, customer):
    card = player.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
    same = key()
    first = player.charge_while_away(customer.id, card.id, **same)
    again = player.charge_while_away(customer.id, card.id, **same)
    assert (first.id, first.status, first.amount_received) == (again.id, "succeeded", 1055)
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    with pytest.raises(stripe.IdempotencyError):
        player.charge_while_away(customer.id, card.id, 1056, **same)
    assert [payment.id for payment in player.v1.payment_intents.list({"customer": customer.id})] == [first.id]


@pytest.mark.parametrize(
    ("alias", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card"),
        ("pm_card_authenticationRequired", "authentication_required", "authentication_required"),
    ],
)
def test_a_decline_leaves_the_intent_waiting(player, customer, alias, code, decline_code):
    with pytest.raises(stripe.CardError) as raised:
        player.charge_while_away(customer.id, alias, **key())
    error: Any = raised.value
    assert (error.http_status, error.code, error.error.decline_code) == (402, code, decline_code)
    payment = player.v1.payment_intents.retrieve(error.error.payment_intent.id, {"expand": ["latest_charge"]})
    assert (payment.status, payment.latest_charge.status) == ("requires_payment_method", "failed")
    assert payment.last_payment_error.decline_code == decline_code


def test_refunds_end_at_the_charge(player):
    payment = player.paid(1000)
    assert player.v1.refunds.create({"payment_intent": payment.id, "amount": 300}).status == "succeeded"
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded amount"):
        player.v1.refunds.create({"payment_intent": payment.id, "amount": 701})
    player.v1.refunds.create({"payment_intent": payment.id})
    with pytest.raises(stripe.InvalidRequestError) as error:
        player.v1.refunds.create({"payment_intent": payment.id})
    assert error.value.code == "charge_already_refunded"


def test_a_checkout_opens_and_expires(player, customer):
    session = player.session(
        customer=customer.id,
        allowed_payment_method_types=["card"],
        client_reference_id="purchase-1",
        expires_at=int(time.time()) + 35 * 60 if isinstance(player, RealShop) else player.now() + 35 * 60,
        payment_intent_data={"metadata": {"purchase": "1"}, "receipt_email": "alice@example.com"},
        payment_method_options={"card": {"setup_future_usage": "off_session"}},
        expand=["line_items"],
    )
    assert (session.status, session.payment_status, session.payment_intent) == ("open", "unpaid", None)
    assert (session.amount_subtotal, session.amount_total, session.livemode) == (1080, 1080, False)
    assert [item.amount_total for item in session.line_items] == [1000, 80]
    assert session.url and session.url.startswith("http")
    expired = player.v1.checkout.sessions.expire(session.id)
    assert (expired.status, expired.url) == ("expired", None)
    with pytest.raises(stripe.InvalidRequestError, match="open"):
        player.v1.checkout.sessions.expire(session.id)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"line_items": [line_item("Dust", 10)]}, "amount_too_small"),
        ({"mood": "sunny"}, "parameter_unknown"),
        ({"customer": "cus_nobody"}, "resource_missing"),
        ({"cancel_url": "nowhere"}, "url_invalid"),
    ],
)
def test_a_checkout_that_makes_no_sense_is_refused(player, changes, code):
    with pytest.raises(stripe.InvalidRequestError) as error:
        player.session(**changes)
    assert error.value.code == code


def test_a_setup_needs_no_amount(player, customer):
    session = player.setup_session(customer.id, cancel_url=SHOP)
    assert (session.status, session.amount_total, session.payment_status) == ("open", None, "no_payment_required")
    assert player.v1.setup_intents.retrieve(session.setup_intent).status == "requires_payment_method"
    player.v1.checkout.sessions.expire(session.id)


def test_a_disputed_payment_is_disputed(player):
    payment = player.paid(1000, card="pm_card_createDispute")
    for _ in range(20):
        found = player.v1.disputes.list({"payment_intent": payment.id}).data
        if found:
            break
        time.sleep(1)
    assert [(dispute.amount, dispute.reason, dispute.status) for dispute in found] == [
        (1000, "fraudulent", "needs_response")
    ]
