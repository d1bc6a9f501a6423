"""The payments sandbox against stripe's own package: no made-up field, no absent one, no made-up parameter."""

import stripe
import stripe.params
import stripe.params.checkout
import stripe.params.radar

import sandbox.stripe
from sandbox.stripe.calls.parameters import choice, nested, required, text
from sandbox.stripe.operations import OPERATIONS
from tests.sandbox.stripe.contract import breaches, unknown_parameters

PARAMS = {
    "GET /v1/checkout/sessions": "checkout.SessionList",
    "POST /v1/checkout/sessions": "checkout.SessionCreate",
    "GET /v1/checkout/sessions/{identifier}": "checkout.SessionRetrieve",
    "POST /v1/checkout/sessions/{identifier}/expire": "checkout.SessionExpire",
    "GET /v1/customers": "CustomerList",
    "POST /v1/customers": "CustomerCreate",
    "GET /v1/customers/{identifier}": "CustomerRetrieve",
    "POST /v1/customers/{identifier}": "CustomerModify",
    "DELETE /v1/customers/{identifier}": "CustomerDelete",
    "GET /v1/disputes": "DisputeList",
    "GET /v1/disputes/{identifier}": "DisputeRetrieve",
    "GET /v1/events": "EventList",
    "GET /v1/payment_intents": "PaymentIntentList",
    "POST /v1/payment_intents": "PaymentIntentCreate",
    "GET /v1/payment_intents/{identifier}": "PaymentIntentRetrieve",
    "GET /v1/payment_method_configurations": "PaymentMethodConfigurationList",
    "GET /v1/payment_methods/{identifier}": "PaymentMethodRetrieve",
    "POST /v1/payment_methods/{identifier}/detach": "PaymentMethodDetach",
    "GET /v1/refunds": "RefundList",
    "POST /v1/refunds": "RefundCreate",
    "POST /v1/webhook_endpoints": "WebhookEndpointCreate",
    "DELETE /v1/webhook_endpoints/{identifier}": "WebhookEndpointDelete",
}


def params(name):
    module, _, name = name.rpartition(".")
    return getattr(getattr(stripe.params, module) if module else stripe.params, f"{name}Params")


def test_every_accepted_parameter_exists_in_the_package():
    operations = {f"{each.method} {each.path}": each.rules for each in OPERATIONS}
    assert set(operations) == set(PARAMS)
    assert [
        found for name, rules in operations.items() for found in unknown_parameters(rules, params(PARAMS[name]))
    ] == []


def test_the_parameter_check_notices_made_up_names_and_words():
    rules = {
        "mood": text(),
        "currency": required(text()),
        "amount": text(),
        "confirmation_method": choice("automatic", "psychic"),
        "payment_method_options": nested({"card": nested({"color": text()})}),
    }
    found = list(unknown_parameters(rules, stripe.params.PaymentIntentCreateParams))
    assert found == [
        "PaymentIntentCreateParams: mood does not exist",
        "confirmation_method=psychic does not exist",
        "PaymentIntentCreateParamsPaymentMethodOptionsCard: payment_method_options[card][color] does not exist",
        "PaymentIntentCreateParams: [amount] is required by stripe and not by the sandbox",
    ]


def test_the_api_version_is_the_package_s_own():
    assert stripe.api_version == sandbox.stripe.API_VERSION


def test_every_kind_of_object_is_as_the_package_describes_it(shop, buyer):
    """A tour of all objects: each answer is checked as it passes."""
    customer = shop.customer(metadata={"organization": "42"})
    options = {"card": {"setup_future_usage": "off_session"}}
    session = shop.session(customer=customer.id, payment_method_options=options, expand=["customer"])
    buyer.pay(session, "4000000000009995")
    buyer.decide(buyer.pay(session, "4000002500003155"), "authorize")
    paid = shop.reload(session, "payment_intent.latest_charge", "payment_intent.payment_method").payment_intent
    keep = shop.setup_session(customer.id)
    buyer.pay(keep, "4000000000000002")
    buyer.decide(buyer.pay(keep, "4000002760003184"), "refuse")
    buyer.pay(keep)
    shop.reload(keep, "setup_intent.payment_method")
    slow = shop.session(allowed_payment_method_types=["alipay"])
    buyer.decide(buyer.pay(slow, type="alipay"), "later")
    shop.control(f"sessions/{slow.id}/settle", outcome="succeeded")
    coins = shop.session(allowed_payment_method_types=["crypto"])
    buyer.decide(buyer.pay(coins, type="crypto"), "authorize")
    paypal = shop.session(allowed_payment_method_types=["paypal"])
    buyer.decide(buyer.pay(paypal, type="paypal"), "authorize")
    paypal = shop.reload(paypal, "payment_intent.latest_charge", "payment_intent.payment_method")
    shop.v1.refunds.create({"payment_intent": paypal.payment_intent.id, "amount": 1})
    shop.v1.disputes.retrieve(shop.control("disputes", payment_intent=paypal.payment_intent.id)["id"])
    shop.v1.payment_method_configurations.list({"limit": 1})
    shop.v1.checkout.sessions.expire(shop.session().id)
    shop.v1.refunds.create({"payment_intent": shop.paid().id, "amount": 1, "expand": ["charge"]})
    shop.v1.refunds.create({"payment_intent": shop.reload(slow).payment_intent})
    shop.v1.disputes.retrieve(shop.control("disputes", payment_intent=shop.paid().id, inquiry=True)["id"])
    shop.paid(card="pm_card_createDispute")
    shop.paid(card="pm_card_createIssuerFraudRecord")
    lists = (
        shop.v1.customers,
        shop.v1.payment_intents,
        shop.v1.refunds,
        shop.v1.disputes,
        shop.v1.events,
        shop.v1.checkout.sessions,
    )
    for kind in lists:
        for each in kind.list({"limit": 100}).auto_paging_iter():
            assert isinstance(each, stripe.StripeObject)
    shop.v1.customers.retrieve(customer.id)
    shop.v1.payment_methods.retrieve(paid.payment_method.id)
    shop.v1.payment_methods.detach(paid.payment_method.id)
    assert shop.breaches == []


def test_the_field_check_notices_what_is_made_up_missing_or_of_another_type(shop):
    good = shop.paid().to_dict(for_json=True)
    assert list(breaches(good)) == []
    absent = {name: value for name, value in good.items() if name != "client_secret"}
    assert list(breaches(absent)) == []
    assert list(breaches(good | {"mood": "sunny"})) == ["payment_intent.mood does not exist in PaymentIntent"]
    assert list(breaches({name: value for name, value in good.items() if name != "amount"})) == [
        "payment_intent.amount is missing"
    ]
    assert list(breaches(good | {"amount": "1000"})) == ["payment_intent.amount is '1000', not <class 'int'>"]
    assert list(breaches(good | {"livemode": None})) == ["payment_intent.livemode is null"]
    assert "not one of" in next(breaches(good | {"status": "delighted"}))
    inside = {"type": "redirect_to_url", "redirect_to_url": {"url": "x", "return_url": None, "door": 1}}
    assert list(breaches(good | {"next_action": inside})) == [
        "payment_intent.next_action.redirect_to_url.door does not exist in PaymentIntent.NextAction.RedirectToUrl"
    ]


def test_the_field_check_notices_a_made_up_event():
    event = {"object": "event", "id": "evt_1", "type": "payment_intent.daydreamed"}
    assert any("payment_intent.daydreamed" in found for found in breaches(event))
