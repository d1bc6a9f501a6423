"""Spend limits of members: at admission and settlement, whichever key or chat a request comes from."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import connection

from accounts.models import Membership
from accounts.organisations import members
from billing import spending
from billing.credits import ledger, reconciliation
from billing.models import CreditAccount, LedgerEntry
from common.errors import PaymentRequired
from gateway.accounting import settlement
from gateway.models import Generation, Hold
from tests.accounts.organisations.conftest import add_member
from tests.billing.at_once import all_at_once
from tests.conftest import make_user
from tests.gateway.factory import usd

from .test_settlement import admit, generation, settle


@pytest.fixture
def acme(db):
    return members.create(make_user("ada@example.com"), "Acme")


@pytest.fixture
def account(acme) -> CreditAccount:
    """Acme's account, with $1."""
    account = spending.account_of(acme)
    ledger.add(account, usd("1"), kind=LedgerEntry.Kind.GRANT, reference="test:acme")
    account.refresh_from_db()
    return account


def limited(acme, email: str, limit: str, reset: str = "") -> int:
    """Return the ID of a new member with a spend limit in dollars."""
    user = add_member(acme, email)
    Membership.objects.filter(user=user, organisation=acme).update(spend_limit=usd(limit), limit_reset=reset)
    return user.pk


def one(account, number: int, user: int, cost: str = "0.1") -> object:
    return admit(account, number, prompt=cost, token="0", requested=1, user_id=user)


def test_a_member_cannot_hold_more_than_their_limit_with_any_key_or_in_the_chat(account, acme):
    ben = limited(acme, "ben@example.com", "0.25")
    assert isinstance(one(account, 1, ben), settlement.Admission)
    assert isinstance(one(account, 2, ben), settlement.Admission)
    refusal = one(account, 3, ben)
    assert isinstance(refusal, PaymentRequired)
    assert "your remaining spend limit in this organization ($0.05). Ask an admin to raise it" in str(refusal)
    assert json.loads(json.dumps(refusal.envelope()))["error"]["metadata"]["limit"] == "member"
    settle(account, 1, cost="0.02", user_id=ben)  # releases 8 cents
    assert isinstance(one(account, 4, ben), settlement.Admission)
    assert Membership.objects.get(user=ben, organisation=acme).window_usage == usd("0.02")


def test_the_limit_binds_its_member_in_its_organization_only(account, acme):
    ben = limited(acme, "ben@example.com", "0.05")
    ada = acme.memberships.get(role="admin").user_id
    assert isinstance(one(account, 1, ben), PaymentRequired)
    assert isinstance(one(account, 2, ada), settlement.Admission)
    own = spending.account_of(Membership.objects.exclude(organisation=acme).get(user=ben).organisation)
    ledger.add(own, usd("1"), kind=LedgerEntry.Kind.GRANT, reference="test:own")
    assert isinstance(one(own, 3, ben), settlement.Admission)
    settle(own, 3, cost="0.1", user_id=ben)
    assert Membership.objects.get(user=ben, organisation=acme).window_usage == 0


def test_a_batch_counts_its_own_holds_and_its_settlements_first(account, acme):
    ben = limited(acme, "ben@example.com", "0.25")
    one(account, 1, ben, "0.2")
    operations = [
        settlement.Admit(
            generation=generation(account, number, user_id=ben), prompt_cost=usd("0.1"), token_price=Decimal(0),
            requested_tokens=1, model_max_tokens=1,
        )
        for number in (2, 3, 4)
    ] + [settlement.Settle(generation=generation(account, 1, user_id=ben), cost=usd("0.01"))]  # fmt: skip
    results = settlement.write_batch(operations)
    assert [isinstance(result, PaymentRequired) for result in results] == [False, False, True, False]


def test_a_limit_resets_with_its_window(account, acme, clock):
    clock.set(datetime(2026, 11, 29, 23, 0, tzinfo=UTC))  # a Sunday
    ben = limited(acme, "ben@example.com", "0.1", "weekly")
    one(account, 1, ben)
    settle(account, 1, cost="0.1", user_id=ben)
    assert isinstance(one(account, 2, ben), PaymentRequired)
    clock.advance(hours=1)
    assert isinstance(one(account, 3, ben), settlement.Admission)


def test_a_member_who_was_removed_in_mid_request_is_charged_to_the_organization(account, acme):
    ben = limited(acme, "ben@example.com", "0.25")
    one(account, 1, ben)
    Membership.objects.filter(user=ben).delete()
    settle(account, 1, cost="0.1", user_id=ben)
    account.refresh_from_db()
    assert (account.usage, account.held) == (usd("0.1"), 0)


def test_a_request_that_runs_while_the_organization_is_deleted_is_charged(account, acme):
    ada = acme.members.get()
    one(account, 1, ada.pk)
    members.delete(acme, ada)
    settle(account, 1, cost="0.1", user_id=ada.pk)
    account.refresh_from_db()
    assert (account.usage, account.held) == (usd("0.1"), 0)
    assert reconciliation.faults() == []


def test_no_limit_costs_no_further_statement(account, acme, django_assert_num_queries):
    ada = acme.memberships.get().user_id
    with django_assert_num_queries(0 if connection.vendor == "postgresql" else 3):  # lock, insert, update
        one(account, 1, ada)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite allows one writer at a time")
def test_100_requests_at_once_of_five_members_exceed_no_limit_and_not_the_balance(account, acme):
    """Each of 100 threads admits 5 cents and settles 4: five members may spend 30, 25, 20, 50 and 90 cents of $1."""
    limits = ["0.3", "0.25", "0.2", "0.5", "0.9"]
    people = [limited(acme, f"m{number}@example.com", limit) for number, limit in enumerate(limits)]

    def request(number: int) -> object:
        user = people[number % 5]
        admission = one(account, number, user, "0.05")
        if isinstance(admission, settlement.Admission):
            settle(account, number, cost="0.04", user_id=user)
        return admission

    results = all_at_once(*[lambda n=n: request(n) for n in range(1, 101)])
    assert {type(result) for result in results} == {settlement.Admission, PaymentRequired}
    account.refresh_from_db()
    assert account.usage <= usd("1") and account.held == 0 and not Hold.objects.exists()
    for user, limit in zip(people, limits, strict=True):
        spent = sum(Generation.objects.filter(account=account, user_id=user).values_list("cost", flat=True))
        assert spent <= usd(limit)
        assert Membership.objects.get(user=user, organisation=acme).window_usage == spent
    assert sum(Generation.objects.values_list("write_off", flat=True)) == 0
    assert reconciliation.faults() == []
