"""Payments by the API: saved cards charged while their owner is away, declines, cards that are gone."""

import pytest
import stripe


@pytest.fixture
def customer(shop):
    return shop.customer()


def declined(call):
    with pytest.raises(stripe.CardError) as error:
        call()
    assert error.value.http_status == 402
    return error.value


def test_a_saved_card_is_charged_while_its_owner_is_away(shop, customer):
    card = shop.saved(customer.id)
    payment = shop.charge_while_away(customer.id, card)
    assert (payment.status, payment.amount_received, payment.payment_method) == ("succeeded", 1055, card)
    assert payment.metadata["attempt"] == "7"
    charge = shop.charge(payment.id)
    assert (charge.paid, charge.outcome.type) == (True, "authorized")


def test_a_card_may_be_charged_many_times(shop, customer):
    card = shop.saved(customer.id)
    assert [shop.charge_while_away(customer.id, card).status for _ in range(3)] == ["succeeded"] * 3


@pytest.mark.parametrize(
    ("alias", "code", "decline_code", "advice"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline", "try_again_later"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds", "try_again_later"),
        ("pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card", "do_not_try_again"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", "expired_card", "confirm_card_data"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", "incorrect_cvc", "confirm_card_data"),
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


def test_a_card_can_be_kept_and_then_decline(shop, customer):
    card = shop.saved(customer.id, "4000000000000341")
    error = declined(lambda: shop.charge_while_away(customer.id, card))
    assert error.error.decline_code == "generic_decline"
    assert shop.v1.payment_methods.retrieve(card).customer == customer.id


def test_a_card_that_always_authenticates_cannot_be_charged_while_its_owner_is_away(shop, customer):
    card = shop.saved(customer.id, "4000002760003184")
    assert declined(lambda: shop.charge_while_away(customer.id, card)).code == "authentication_required"


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"amount": 49}, "amount_too_small", "amount"),
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"amount": "ten"}, "parameter_invalid_integer", "amount"),
        ({"amount": 100_000_000}, "amount_too_large", "amount"),
        ({"currency": "xyz"}, None, "currency"),
        ({"currency": ""}, None, "currency"),
        ({"off_session": False}, None, "off_session"),
        ({"confirm": False}, None, "confirm"),
        ({"customer": "cus_nothing"}, "resource_missing", "customer"),
        ({"payment_method": "pm_nothing"}, "resource_missing", "payment_method"),
        ({"mood": "sunny"}, "parameter_unknown", "mood"),
        ({"confirm": "perhaps"}, None, "confirm"),
        ({"description": ""}, "parameter_invalid_empty", "description"),
        ({"metadata": {"k" * 41: "v"}}, None, "metadata"),
        ({"receipt_email": "x"}, "email_invalid", "receipt_email"),
    ],
)
def test_a_payment_that_makes_no_sense_is_refused(shop, customer, changes, code, param):
    good = {"customer": customer.id, "payment_method": "pm_card_visa", "allowed_payment_method_types": ["card"]}
    good |= {"amount": 500, "currency": "usd", "confirm": True, "off_session": True}
    with pytest.raises(stripe.InvalidRequestError) as error:
        shop.v1.payment_intents.create(good | changes)
    assert (error.value.http_status, error.value.code, error.value.param) == (400, code, param)


def test_a_missing_parameter_is_named(shop):
    with pytest.raises(stripe.InvalidRequestError, match="Missing required param: amount") as error:
        shop.v1.payment_intents.create({"currency": "usd", "allowed_payment_method_types": ["card"]})
    assert (error.value.code, error.value.param) == ("parameter_missing", "amount")


def test_the_card_of_another_customer_is_refused(shop, customer):
    card = shop.saved(customer.id)
    with pytest.raises(stripe.InvalidRequestError, match="does not belong to the Customer you supplied"):
        shop.charge_while_away(shop.customer().id, card)


def test_a_detached_card_is_gone_for_good(shop, customer):
    card = shop.saved(customer.id)
    assert shop.v1.payment_methods.detach(card).customer is None
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        shop.charge_while_away(customer.id, card)
    with pytest.raises(stripe.InvalidRequestError, match="not attached to a customer"):
        shop.v1.payment_methods.detach(card)


def test_a_card_used_once_without_being_kept_cannot_be_used_again(shop):
    payment = shop.paid()
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        shop.charge_while_away(payment.customer, payment.payment_method)


def test_equal_numbers_have_equal_fingerprints(shop, customer):
    numbers = ("4242424242424242", "4242424242424242", "5555555555554444")
    first, second, third = (shop.v1.payment_methods.retrieve(shop.saved(customer.id, number)) for number in numbers)
    assert first.card.fingerprint == second.card.fingerprint != third.card.fingerprint


def test_a_renewed_card_has_an_event(shop, customer):
    card = shop.saved(customer.id)
    shop.control(f"payment_methods/{card}/renew", exp_month=3, exp_year=2041)
    assert shop.v1.payment_methods.retrieve(card).card.exp_year == 2041
    (event,) = shop.events_about(card, "payment_method.automatically_updated")
    assert event.data.object.card.exp_month == 3
