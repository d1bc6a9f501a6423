"""Payment intents and payment methods: saved cards charged while their owner is away, declines, 3D Secure."""

import pytest
import stripe


@pytest.fixture
def customer(shop):
    return shop.customer()


@pytest.fixture
def saved(shop, customer):
    """Keeps a ready-made card for the customer; its id."""
    return lambda alias="pm_card_visa": shop.v1.payment_methods.attach(alias, {"customer": customer.id}).id


def declined(call):
    with pytest.raises(stripe.CardError) as error:
        call()
    assert error.value.http_status == 402
    return error.value


def test_a_saved_card_is_charged_while_its_owner_is_away(shop, customer, saved):
    card = saved()
    payment = shop.charge_while_away(customer.id, card)
    assert (payment.status, payment.amount_received, payment.payment_method) == ("succeeded", 1055, card)
    assert payment.metadata["attempt"] == "7"
    charge = shop.v1.charges.retrieve(payment.latest_charge)
    assert (charge.paid, charge.outcome.type) == (True, "authorized")


def test_a_card_may_be_charged_many_times(shop, customer, saved):
    card = saved()
    assert [shop.charge_while_away(customer.id, card).status for _ in range(3)] == ["succeeded"] * 3


@pytest.mark.parametrize(
    ("alias", "code", "decline_code", "advice"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline", "try_again_later"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds", "try_again_later"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card", "do_not_try_again"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card", "do_not_try_again"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card", "confirm_card_data"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc", "confirm_card_data"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", "processing_error", "try_again_later"),
        ("pm_card_authenticationRequired", "authentication_required", "authentication_required", None),
        ("pm_card_authenticationRequiredOnSetup", "authentication_required", "authentication_required", None),
    ],
)
def test_a_decline_says_why_and_what_to_do(shop, customer, alias, code, decline_code, advice):
    error = declined(lambda: shop.charge_while_away(customer.id, alias))
    assert (error.code, error.error.decline_code) == (code, decline_code)
    assert error.error.to_dict().get("advice_code") == advice
    assert error.error.payment_intent.status == "requires_payment_method"

    payment = shop.v1.payment_intents.retrieve(error.error.payment_intent.id, {"expand": ["latest_charge"]})
    assert payment.last_payment_error.decline_code == decline_code
    assert (payment.latest_charge.id, payment.latest_charge.status) == (error.error.charge, "failed")
    assert [event.type for event in shop.events_about(payment.id)] == [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
    ]


def test_a_card_can_be_kept_and_then_decline(shop, customer, saved):
    card = saved("pm_card_chargeCustomerFail")
    error = declined(lambda: shop.charge_while_away(customer.id, card))
    assert error.error.decline_code == "generic_decline"
    assert shop.v1.payment_methods.retrieve(card).customer == customer.id


def test_a_card_that_declines_at_once_cannot_be_kept(shop, customer, saved):
    error = declined(lambda: saved("pm_card_visa_chargeDeclinedInsufficientFunds"))
    assert error.error.decline_code == "insufficient_funds"
    assert shop.v1.payment_methods.list({"customer": customer.id}).data == []


def test_a_card_that_always_authenticates_cannot_be_charged_while_its_owner_is_away(shop, buyer, customer):
    session = shop.setup_session(customer.id)
    buyer.decide(buyer.pay(session, "4000002760003184"), "authorise")
    card = shop.reload(session, "setup_intent").setup_intent.payment_method
    assert declined(lambda: shop.charge_while_away(customer.id, card)).code == "authentication_required"


def test_three_d_secure_through_the_api_comes_back_to_the_return_url(shop, buyer):
    payment = shop.v1.payment_intents.create(
        {
            "amount": 900,
            "currency": "usd",
            "return_url": "http://127.0.0.1:9/back?a=1",
            "confirm": True,
            "payment_method": "pm_card_threeDSecure2Required",
        }
    )
    assert (payment.status, payment.next_action.type) == ("requires_action", "redirect_to_url")
    back = buyer.decide(payment.next_action.redirect_to_url.url, "authorise")
    assert back.startswith(f"http://127.0.0.1:9/back?a=1&payment_intent={payment.id}&payment_intent_client_secret=pi_")
    assert shop.v1.payment_intents.retrieve(payment.id).status == "succeeded"


def test_a_payment_that_may_redirect_needs_a_return_url(shop):
    with pytest.raises(stripe.InvalidRequestError, match="must provide a `return_url`") as error:
        shop.v1.payment_intents.create(
            {"amount": 900, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa"}
        )
    assert error.value.param == "return_url"
    never = {"enabled": True, "allow_redirects": "never"}
    paid = shop.v1.payment_intents.create(
        {
            "amount": 900,
            "currency": "usd",
            "confirm": True,
            "payment_method": "pm_card_visa",
            "automatic_payment_methods": never,
        }
    )
    assert (paid.status, paid.payment_method_types) == ("succeeded", ["card"])


def test_a_declined_intent_can_be_confirmed_with_another_card(shop, customer, saved):
    error = declined(lambda: shop.charge_while_away(customer.id, "pm_card_visa_chargeDeclined"))
    payment = shop.v1.payment_intents.confirm(
        error.error.payment_intent.id, {"payment_method": saved(), "off_session": True}
    )
    assert (payment.status, payment.last_payment_error) == ("succeeded", None)
    with pytest.raises(stripe.InvalidRequestError, match="status of succeeded") as again:
        shop.v1.payment_intents.confirm(payment.id)
    assert again.value.code == "payment_intent_unexpected_state"


def test_an_intent_is_made_changed_confirmed_and_cancelled_step_by_step(shop):
    intents = shop.v1.payment_intents
    payment = intents.create(
        {"amount": 500, "currency": "usd", "metadata": {"a": "1", "b": "2"}, "allowed_payment_method_types": ["card"]}
    )
    assert payment.status == "requires_payment_method"
    with pytest.raises(stripe.InvalidRequestError, match="missing a payment method"):
        intents.confirm(payment.id)
    payment = intents.update(
        payment.id, {"amount": 700, "payment_method": "pm_card_visa", "metadata": {"b": "", "c": "3"}}
    )
    assert (payment.status, payment.amount, payment.metadata.to_dict()) == (
        "requires_confirmation",
        700,
        {"a": "1", "c": "3"},
    )
    payment = intents.cancel(payment.id, {"cancellation_reason": "abandoned"})
    assert (payment.status, payment.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError, match="status of canceled"):
        intents.cancel(payment.id)


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"amount": 49}, "amount_too_small", "amount"),
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"amount": "ten"}, "parameter_invalid_integer", "amount"),
        ({"amount": 100_000_000}, "amount_too_large", "amount"),
        ({"currency": "xyz"}, None, "currency"),
        ({"currency": ""}, None, "currency"),
        ({"off_session": True}, None, "off_session"),
        ({"customer": "cus_nobody"}, "resource_missing", "customer"),
        ({"payment_method": "pm_nothing"}, "resource_missing", "payment_method"),
        ({"mood": "sunny"}, "parameter_unknown", "mood"),
        ({"confirm": "perhaps"}, None, "confirm"),
        ({"description": ""}, "parameter_invalid_empty", "description"),
        ({"metadata": {"k" * 41: "v"}}, None, "metadata"),
        ({"receipt_email": "nobody"}, "email_invalid", "receipt_email"),
    ],
)
def test_an_intent_that_makes_no_sense_is_refused(shop, changes, code, param):
    with pytest.raises(stripe.InvalidRequestError) as error:
        shop.v1.payment_intents.create({"amount": 500, "currency": "usd", **changes})
    assert (error.value.http_status, error.value.code, error.value.param) == (400, code, param)


def test_a_missing_parameter_is_named(shop):
    with pytest.raises(stripe.InvalidRequestError, match="Missing required param: amount") as error:
        shop.v1.payment_intents.create({"currency": "usd"})
    assert (error.value.code, error.value.param) == ("parameter_missing", "amount")


def test_somebody_else_s_card_is_refused(shop, customer, saved):
    card = saved()
    with pytest.raises(stripe.InvalidRequestError, match="does not belong to the Customer you supplied"):
        shop.charge_while_away(shop.customer().id, card)
    with pytest.raises(stripe.InvalidRequestError, match="Please include the Customer"):
        shop.v1.payment_intents.create({"amount": 500, "currency": "usd", "payment_method": card})


def test_a_detached_card_is_gone_for_good(shop, customer, saved):
    card = saved()
    shop.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": card}})
    assert shop.v1.payment_methods.detach(card).customer is None
    assert shop.v1.customers.retrieve(customer.id).invoice_settings.default_payment_method is None
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        shop.charge_while_away(customer.id, card)
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        shop.v1.payment_methods.attach(card, {"customer": customer.id})
    with pytest.raises(stripe.InvalidRequestError, match="not attached to a customer"):
        shop.v1.payment_methods.detach(card)


def test_a_card_used_once_without_a_customer_cannot_be_used_again(shop):
    payment = shop.paid()
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        shop.v1.payment_intents.create({"amount": 500, "currency": "usd", "payment_method": payment.payment_method})


def test_a_card_is_made_from_a_test_number_and_nothing_else(shop):
    create = shop.v1.payment_methods.create
    card = create(
        {"type": "card", "card": {"number": "378282246310005", "exp_month": 1, "exp_year": 2040, "cvc": "1234"}}
    )
    assert (card.card.brand, card.card.last4, card.card.exp_year) == ("amex", "0005", 2040)
    bad = {"exp_month": 1, "exp_year": 2040}
    assert (
        declined(lambda: create({"type": "card", "card": {"number": "4242424242424241", **bad}})).code
        == "incorrect_number"
    )
    real = declined(lambda: create({"type": "card", "card": {"number": "4111111111111111", **bad}}))
    assert real.error.decline_code == "test_mode_live_card"
    with pytest.raises(stripe.InvalidRequestError, match="Missing required param: card"):
        create({"type": "card"})


def test_equal_numbers_have_equal_fingerprints(shop, customer, saved):
    first, second, third = (
        shop.v1.payment_methods.retrieve(saved(alias))
        for alias in ("pm_card_visa", "pm_card_visa", "pm_card_mastercard")
    )
    assert first.card.fingerprint == second.card.fingerprint != third.card.fingerprint


def test_only_cards_are_kept(shop, customer):
    wallet = shop.v1.payment_methods.create({"type": "alipay"})
    with pytest.raises(stripe.InvalidRequestError, match="cannot be saved to a customer"):
        shop.v1.payment_methods.attach(wallet.id, {"customer": customer.id})


def test_a_renewed_card_tells_so(shop, customer, saved):
    card = saved()
    shop.control(f"payment_methods/{card}/renew", exp_month=3, exp_year=2041)
    assert shop.v1.payment_methods.retrieve(card).card.exp_year == 2041
    (event,) = shop.events_about(card, "payment_method.automatically_updated")
    assert event.data.object.card.exp_month == 3


def test_a_customer_is_changed_and_merged(shop):
    customer = shop.customer(metadata={"organisation": "org_1", "plan": "a"})
    changed = shop.v1.customers.update(customer.id, {"name": "Alice B", "email": "", "metadata": {"plan": ""}})
    assert (changed.name, changed.email, changed.metadata.to_dict()) == ("Alice B", None, {"organisation": "org_1"})
    (event,) = shop.events_about(customer.id, "customer.updated")
    assert event.data.previous_attributes.name == "Alice"


def test_a_deleted_customer_leaves_only_an_id(shop, customer, saved):
    card = saved()
    assert shop.v1.customers.delete(customer.id).deleted
    assert shop.v1.customers.retrieve(customer.id).deleted
    assert shop.v1.payment_methods.retrieve(card).customer is None
    assert customer.id not in [each.id for each in shop.v1.customers.list({"limit": 100})]
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        shop.session(customer=customer.id)
    with pytest.raises(stripe.InvalidRequestError, match="No such customer"):
        shop.v1.customers.update(customer.id, {"name": "x"})
