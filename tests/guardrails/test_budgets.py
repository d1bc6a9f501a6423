"""Budgets of guardrails: held at admission, counted at settlement, for each key and each member."""

import json
from datetime import UTC, datetime

import pytest
from django.db import connection

from accounts.models import Membership
from accounts.organisations import members
from billing.credits import reconciliation
from common.errors import PaymentRequired, PermissionDenied
from gateway.accounting import settlement
from gateway.models import Generation, Hold
from guardrails import saving
from guardrails.models import Assignment
from keys import issuing
from tests.billing.at_once import all_at_once
from tests.gateway.accounting.test_settlement import admit, settle
from tests.gateway.factory import usd

from .conftest import budget, spent


def one(account, number: int, cost: str = "0.1", **caller: object) -> object:
    return admit(account, number, prompt=cost, token="0", requested=1, **caller)


def test_the_budget_of_a_key_is_held_and_a_refusal_names_the_guardrail_and_the_remedy(account, acme, key):
    team = budget(acme, "0.25", keys=[key])
    assert isinstance(one(account, 1, key_id=key.pk), settlement.Admission)
    assert isinstance(one(account, 2, key_id=key.pk), settlement.Admission)
    refusal = one(account, 3, key_id=key.pk)
    assert isinstance(refusal, PermissionDenied)
    assert "the remaining budget of the guardrail “Team” ($0.05). An admin can raise it at" in str(refusal)
    assert "/settings/guardrails" in str(refusal)
    assert json.loads(json.dumps(refusal.envelope()))["error"]["code"] == 403
    settle(account, 1, cost="0.02", key_id=key.pk)  # releases 8 cents
    assert isinstance(one(account, 4, key_id=key.pk), settlement.Admission)
    assert spent(team) == usd("0.02")


def test_the_budget_of_a_member_counts_the_chat_and_all_their_keys(account, acme, ben, key):
    team = budget(acme, "0.25", members=[ben])
    other = issuing.create(acme, ben, "Other")[0]
    one(account, 1, user_id=ben.pk, source="chat")
    one(account, 2, user_id=ben.pk, key_id=key.pk)
    assert isinstance(one(account, 3, user_id=ben.pk, key_id=other.pk), PermissionDenied)
    settle(account, 2, cost="0.1", user_id=ben.pk, key_id=key.pk)
    assert spent(team, ben) == usd("0.1")


def test_each_key_and_each_member_has_the_whole_budget(account, acme, ada, ben, key):
    other = issuing.create(acme, ada, "Other")[0]
    budget(acme, "0.1", keys=[key, other], members=[ada, ben])
    callers = ({"key_id": key.pk}, {"key_id": other.pk}, {"user_id": ada.pk}, {"user_id": ben.pk})
    for number, caller in enumerate(callers, 1):
        assert isinstance(one(account, number, **caller), settlement.Admission)


@pytest.mark.parametrize(("of_key", "of_member", "named"), [("0.05", "0.5", "Keys"), ("0.5", "0.05", "People")])
def test_of_two_budgets_and_the_limits_the_smallest_binds_and_both_count(
    account, acme, ben, key, of_key, of_member, named
):
    keys = budget(acme, of_key, name="Keys", keys=[key])
    people = budget(acme, of_member, name="People", members=[ben])
    caller = {"key_id": key.pk, "user_id": ben.pk}
    refusal = one(account, 1, **caller)
    assert isinstance(refusal, PermissionDenied) and f"“{named}”" in str(refusal)
    one(account, 2, "0.05", **caller)
    settle(account, 2, cost="0.04", **caller)
    assert (spent(keys), spent(people, ben)) == (usd("0.04"), usd("0.04"))
    Membership.objects.filter(user=ben, organisation=acme).update(spend_limit=usd("0.001"))
    assert isinstance(one(account, 3, "0.01", **caller), PaymentRequired)


def test_a_budget_resets_with_its_window_and_counts_from_a_change_of_interval(account, acme, key, clock):
    clock.set(datetime(2026, 11, 30, 23, 0, tzinfo=UTC))
    team = budget(acme, "0.1", "monthly", keys=[key])
    one(account, 1, key_id=key.pk)
    settle(account, 1, cost="0.1", key_id=key.pk)
    assert isinstance(one(account, 2, key_id=key.pk), PermissionDenied)
    clock.advance(hours=1)
    assert isinstance(one(account, 3, key_id=key.pk), settlement.Admission)
    settle(account, 3, cost="0.1", key_id=key.pk)
    saving.update(team, limit=usd("0.15"))  # a larger budget goes on counting
    assert spent(team) == usd("0.1")
    saving.update(team, limit_reset="daily")
    assert spent(team) == 0


def test_a_guardrail_that_is_deleted_in_mid_request_leaves_the_charge(account, acme, key):
    team = budget(acme, "0.1", keys=[key])
    one(account, 1, key_id=key.pk)
    saving.delete(team)
    settle(account, 1, cost="0.1", key_id=key.pk)
    account.refresh_from_db()
    assert (account.usage, account.held) == (usd("0.1"), 0) and not Assignment.objects.exists()
    assert isinstance(one(account, 2, key_id=key.pk), settlement.Admission)


def test_a_member_who_is_removed_and_an_organization_that_is_deleted_end_their_guardrails(account, acme, ada, ben, key):
    budget(acme, "0.1", keys=[key], members=[ada, ben])
    one(account, 1, user_id=ben.pk, key_id=key.pk)
    members.remove(acme, ada, ben, ada)
    assert not Assignment.objects.filter(user=ben).exists() and Assignment.objects.filter(key=key).exists()
    settle(account, 1, cost="0.1", user_id=ben.pk, key_id=key.pk)
    members.delete(acme, ada)
    account.refresh_from_db()
    assert not Assignment.objects.exists() and (account.usage, account.held) == (usd("0.1"), 0)
    assert reconciliation.faults() == []


def test_a_guardrail_without_a_budget_costs_no_further_statement(account, acme, key, django_assert_num_queries):
    saving.assign(saving.create(acme, name="Lists"), None, keys=[key])
    with django_assert_num_queries(0 if connection.vendor == "postgresql" else 4):  # lock, key, insert, update
        one(account, 1, key_id=key.pk)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite allows one writer at a time")
def test_100_requests_at_once_do_not_exceed_the_budget_of_one_guardrail(account, acme, ben, key):
    """Each of 100 threads admits 5 cents and settles 4, half of them with the key: the member may spend 50 cents."""
    people, keys = budget(acme, "0.5", members=[ben]), budget(acme, "0.2", name="Keys", keys=[key])

    def request(number: int) -> object:
        caller = {"user_id": ben.pk, "key_id": key.pk if number % 2 else None}
        admission = one(account, number, "0.05", **caller)
        if isinstance(admission, settlement.Admission):
            settle(account, number, cost="0.04", **caller)
        return admission

    def raise_budget() -> object:
        return saving.update(people, description="While requests run")

    results = all_at_once(raise_budget, *[lambda n=n: request(n) for n in range(1, 101)])
    assert {type(result) for result in results[1:]} == {settlement.Admission, PermissionDenied}
    account.refresh_from_db()
    assert account.held == 0 and not Hold.objects.exists()
    of_key = sum(Generation.objects.filter(key_id=key.pk).values_list("cost", flat=True))
    assert account.usage == spent(people, ben) <= usd("0.5") and of_key == spent(keys) <= usd("0.2")
    assert account.usage > usd("0.45")  # and it is used up
    assert reconciliation.faults() == []
