"""GET /api/v1/credits."""

import json
from decimal import Decimal

import pytest

from billing.models import CreditAccount
from common.money import PICO_PER_USD
from keys import issuing


@pytest.fixture
def secret(organisation, alice) -> str:
    return issuing.create(organisation, alice, "a program")[1]


def totals(client, secret):
    answer = client.get("/api/v1/credits", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code == 200, answer.content
    assert answer.headers["Content-Type"] == "application/json"
    return json.loads(answer.content, parse_float=Decimal, parse_int=Decimal)


def test_it_shows_all_credits_and_all_usage(client, account, secret):
    CreditAccount.objects.update(usage=PICO_PER_USD // 4)
    assert totals(client, secret) == {"data": {"total_credits": Decimal(10), "total_usage": Decimal("0.25")}}


@pytest.mark.parametrize("usage", [1, 123_456_789_012, 9_999_999_999_999, 262_500])
def test_the_numbers_are_exact_to_the_last_digit(client, account, secret, usage):
    CreditAccount.objects.update(usage=usage)
    assert totals(client, secret)["data"]["total_usage"] * PICO_PER_USD == usage


def test_a_management_key_may_ask_too(client, account, organisation, alice):
    _, secret = issuing.create(organisation, alice, "manages", is_management=True)
    assert totals(client, secret)["data"]["total_credits"] == 10


def test_an_organisation_that_never_had_credits_has_none(client, charlie):
    CreditAccount.objects.all().delete()
    _, secret = issuing.create(charlie.personal_organisation, charlie, "new")
    assert totals(client, secret) == {"data": {"total_credits": 0, "total_usage": 0}}


def test_a_key_sees_its_own_organisation_only(client, account, charlie):
    _, secret = issuing.create(charlie.personal_organisation, charlie, "elsewhere")
    assert totals(client, secret)["data"]["total_credits"] == 0


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer sk-or-v1-unknown"}, {"Authorization": "Basic eA=="}])
def test_without_a_key_it_is_refused(client, db, headers):
    answer = client.get("/api/v1/credits", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == 401


def test_buying_through_the_removed_endpoint_says_where_to_buy_now(client, db):
    answer = client.post("/api/v1/credits/coinbase", data="{}", content_type="application/json")
    assert answer.status_code == 410
    assert answer.json()["error"]["code"] == 410
    assert "/settings/credits" in answer.json()["error"]["message"]
