"""The same request twice, whatever happened to the first one: executed once."""

import json
import threading
import uuid
from typing import Any

import pytest
import requests
import stripe

from tests.sandbox.stripe.world import KEY, Shop
from tests.support.processes import wait_until


@pytest.fixture
def key():
    return f"test:{uuid.uuid4()}"


@pytest.fixture
def customer(shop):
    return shop.customer()


def payments(shop, customer):
    return shop.v1.payment_intents.list({"customer": customer.id}).data


def test_the_same_request_again_gets_the_same_answer(shop, customer, key):
    first = shop.charge_while_away(customer.id, "pm_card_visa", idempotency_key=key)
    again = shop.charge_while_away(customer.id, "pm_card_visa", idempotency_key=key)
    assert again.last_response.body == first.last_response.body
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert again.last_response.headers["Idempotent-Replayed"] == "true"
    assert again.last_response.headers["Original-Request"] == first.last_response.request_id
    assert len(payments(shop, customer)) == 1


def test_a_decline_is_repeated_too(shop, customer, key):
    errors: list[Any] = []
    for _ in range(2):
        with pytest.raises(stripe.CardError) as error:
            shop.charge_while_away(customer.id, "pm_card_visa_chargeDeclined", idempotency_key=key)
        errors.append(error.value)
    assert errors[0].http_body == errors[1].http_body
    assert errors[1].headers["Idempotent-Replayed"] == "true"
    assert len(payments(shop, customer)) == 1


def test_a_refusal_of_an_executed_request_is_repeated_too(shop, key):
    payment = shop.paid(1000)
    for refunded_meanwhile in (False, True):
        if refunded_meanwhile:
            shop.v1.refunds.create({"payment_intent": payment.id})
        with pytest.raises(stripe.InvalidRequestError, match=r"greater than unrefunded amount on charge \(\$10.00"):
            shop.v1.refunds.create({"payment_intent": payment.id, "amount": 1001}, {"idempotency_key": key})


def test_other_parameters_under_the_same_key_are_an_error(shop, customer, key):
    shop.charge_while_away(customer.id, "pm_card_visa", 1000, idempotency_key=key)
    with pytest.raises(stripe.IdempotencyError, match="the same parameters they were first used with") as error:
        shop.charge_while_away(customer.id, "pm_card_visa", 1001, idempotency_key=key)
    refused: Any = error.value
    assert (refused.http_status, refused.error.type) == (400, "idempotency_error")
    with pytest.raises(stripe.IdempotencyError, match="same endpoint"):
        shop.v1.customers.create({"email": "x@example.com"}, {"idempotency_key": key})
    assert len(payments(shop, customer)) == 1


def test_the_order_of_parameters_does_not_matter(shop, key):
    first = shop.v1.customers.create({"email": "x@example.com", "name": "X"}, {"idempotency_key": key})
    again = shop.v1.customers.create({"name": "X", "email": "x@example.com"}, {"idempotency_key": key})
    assert first.id == again.id


def test_a_request_that_failed_validation_may_be_sent_again_corrected(shop, key):
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.customers.create({"mood": "x"}, {"idempotency_key": key})
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.customers.create({"email": "x"}, {"idempotency_key": key})
    assert shop.v1.customers.create({"name": "X"}, {"idempotency_key": key}).name == "X"


def test_a_key_is_forgotten_after_a_day(shop, key):
    first = shop.v1.customers.create({"name": "X"}, {"idempotency_key": key})
    shop.control("clock", seconds=24 * 3600 + 1)
    assert shop.v1.customers.create({"name": "Y"}, {"idempotency_key": key}).id != first.id


def test_keys_belong_to_their_api_key(shop, key):
    def create(api_key):
        answer = requests.post(
            f"{shop.address}/v1/customers",
            data={"name": api_key},
            headers={"Authorization": f"Bearer {api_key}", "Idempotency-Key": key},
            timeout=20,
        )
        assert answer.status_code == 200
        return answer.json()["name"]

    assert [create("sk_test_local_a"), create("sk_test_local_b")] == ["sk_test_local_a", "sk_test_local_b"]


def test_a_key_that_is_too_long_is_refused(shop):
    with pytest.raises(stripe.InvalidRequestError, match="1 to 255 characters"):
        shop.v1.customers.create({"name": "X"}, {"idempotency_key": "k" * 256})


def test_twins_at_the_same_time_are_executed_once(shop, customer, key):
    """All but one get 409; a later retry gets the one answer."""
    shop.control("requests", mode="slow", seconds=60, count=1, path="/v1/payment_intents")
    outcomes: list[Any] = []

    def attempt():
        try:
            outcomes.append(Shop(shop.address).charge_while_away(customer.id, "pm_card_visa", idempotency_key=key).id)
        except stripe.APIError as error:
            outcomes.append((error.http_status, json.loads(str(error.http_body))["error"]["code"]))

    first, *twins = [threading.Thread(target=attempt) for _ in range(6)]
    first.start()
    wait_until(lambda: shop.state()["requests"] == [], "the first attempt")
    for twin in twins:
        twin.start()
    for twin in twins:
        twin.join()
    shop.control("reset")
    first.join()
    paid = {outcome for outcome in outcomes if isinstance(outcome, str)}
    assert len(paid) == 1
    assert outcomes.count((409, "idempotency_key_in_use")) == 5
    assert {shop.charge_while_away(customer.id, "pm_card_visa", idempotency_key=key).id} == paid
    assert len(payments(shop, customer)) == 1


def test_a_lost_answer_is_found_by_asking_again(shop, customer, key):
    shop.control("requests", mode="drop", path="/v1/payment_intents")
    with pytest.raises(stripe.APIConnectionError):
        shop.charge_while_away(customer.id, "pm_card_visa", idempotency_key=key)
    (payment,) = payments(shop, customer)
    assert payment.status == "succeeded"
    again = shop.charge_while_away(customer.id, "pm_card_visa", idempotency_key=key)
    assert (again.id, again.last_response.headers["Idempotent-Replayed"]) == (payment.id, "true")
    assert len(payments(shop, customer)) == 1


def test_without_a_key_of_ones_own_a_lost_answer_charges_twice(shop, customer):
    """The mistake that this fault reveals: a shop that sends again under another key."""
    shop.control("requests", mode="drop", path="/v1/payment_intents")
    with pytest.raises(stripe.APIConnectionError):
        shop.charge_while_away(customer.id, "pm_card_visa")
    shop.charge_while_away(customer.id, "pm_card_visa")
    assert len(payments(shop, customer)) == 2


def test_the_package_s_own_retries_get_over_a_lost_answer(shop, customer):
    patient = Shop(shop.address, max_network_retries=2)
    shop.control("requests", mode="drop", path="/v1/payment_intents", count=2)
    assert patient.charge_while_away(customer.id, "pm_card_visa").status == "succeeded"
    assert len(payments(shop, customer)) == 1


def test_a_crash_after_the_work_is_repeated_while_the_work_stands(shop, customer, key):
    shop.control("requests", mode="crash", path="/v1/payment_intents")
    for _ in range(2):
        with pytest.raises(stripe.APIError) as error:
            shop.charge_while_away(customer.id, "pm_card_visa", idempotency_key=key)
        assert error.value.http_status == 500
    assert [payment.status for payment in payments(shop, customer)] == ["succeeded"]


def test_an_outage_executes_nothing_and_is_not_remembered(shop, customer, key):
    shop.control("requests", mode="refuse", status=503, path="/v1/payment_intents", method="POST", count=2)
    for _ in range(2):
        with pytest.raises(stripe.APIError) as error:
            shop.charge_while_away(customer.id, "pm_card_visa", idempotency_key=key)
        assert error.value.http_status == 503
    assert payments(shop, customer) == []
    assert shop.charge_while_away(customer.id, "pm_card_visa", idempotency_key=key).status == "succeeded"


def test_a_rate_limit_has_its_own_error(shop):
    shop.control("requests", mode="refuse", status=429)
    with pytest.raises(stripe.RateLimitError):
        shop.v1.customers.list()
    assert shop.v1.customers.list().data is not None


def test_a_fault_that_does_not_exist_is_refused(shop):
    answer = requests.post(f"{shop.address}/_test/requests", json={"mode": "explode"}, timeout=20)
    assert answer.status_code == 400 and "refuse, crash, drop, slow" in answer.text
    assert KEY.startswith("sk_test_local_")
