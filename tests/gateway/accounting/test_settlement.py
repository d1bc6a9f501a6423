"""Holds, charges and limits of requests."""

import asyncio
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from asgiref.sync import sync_to_async
from django.db import IntegrityError, connection, transaction

from billing import tasks
from billing.credits import ledger
from billing.models import CreditAccount, LedgerEntry
from common.errors import NotAuthenticated, PaymentRequired
from gateway.accounting import reaper, settlement
from gateway.accounting.rows import GenerationRow
from gateway.models import GatewayProcess, Generation, Hold, UsageHour
from keys.models import ApiKey
from tests.gateway.factory import usd


@pytest.fixture
def poor(transactional_db, account) -> CreditAccount:
    """The account with one cent."""
    ledger.take(account, account.credits - usd("0.01"), kind=LedgerEntry.Kind.ADJUSTMENT, reference="test:poor")
    account.refresh_from_db()
    return account


def generation(account: CreditAccount, number: int = 1, **fields) -> GenerationRow:
    defaults = {
        "id": f"gen-1700000000-{number:020d}",
        "account_id": account.pk,
        "source": "api",
        "requested_model": "acme/one",
        "created_at": datetime.now(UTC),
    }
    return GenerationRow(**(defaults | fields))


def admit(account, number=1, *, prompt="0", token="0.000001", requested=None, most=4000, **fields):
    operation = settlement.Admit(
        generation=generation(account, number, **fields),
        prompt_cost=usd(prompt),
        token_price=Decimal(token),
        requested_tokens=requested,
        model_max_tokens=most,
    )
    (result,) = settlement.write_batch([operation])
    return result


def settle(account, number=1, *, cost="0", **fields):
    operation = settlement.Settle(generation=generation(account, number, **fields), cost=usd(cost))
    (result,) = settlement.write_batch([operation])
    return result


def test_a_hold_covers_the_prompt_and_the_requested_tokens(account):
    admission = admit(account, prompt="0.5", token="0.001", requested=100)
    assert admission == settlement.Admission(hold=usd("0.6"), max_tokens=100)
    account.refresh_from_db()
    assert account.held == usd("0.6")


def test_without_max_tokens_an_ample_balance_allows_the_models_limit(account):
    assert admit(account, token="0.000001", most=4000) == settlement.Admission(hold=usd("0.004"), max_tokens=None)


def test_without_max_tokens_a_smaller_balance_is_held_to_a_quarter(account):
    admission = admit(account, token="0.0001", most=100_000)  # a quarter of $10 buys 25,000 tokens
    assert admission == settlement.Admission(hold=usd("2.5"), max_tokens=25_000)


def test_without_max_tokens_a_short_response_may_take_the_whole_balance(account):
    admission = admit(account, token="0.01", most=100_000)  # $10 buys 1,000 tokens
    assert admission == settlement.Admission(hold=usd("10"), max_tokens=1000)


def test_free_completion_tokens_are_not_limited_by_a_small_balance(account):
    admission = admit(account, prompt="9", token="0", most=100_000)  # for example a free model after a web search
    assert admission == settlement.Admission(hold=usd("9"), max_tokens=None)


def test_max_tokens_beyond_the_balance_are_refused_with_the_affordable_number(account):
    refusal = admit(account, token="0.01", requested=2000)
    assert isinstance(refusal, PaymentRequired)
    assert refusal.metadata["affordable_tokens"] == 1000
    assert "1000" in refusal.message
    assert not Hold.objects.exists()


def test_a_prompt_that_costs_more_than_the_balance_is_refused(account):
    assert isinstance(admit(account, prompt="10.01"), PaymentRequired)


def test_an_empty_account_can_use_only_free_models(transactional_db, organisation):
    empty = CreditAccount.objects.create(organisation=organisation)
    refusal = admit(empty)
    assert isinstance(refusal, PaymentRequired)
    assert "/settings/credits" in refusal.message
    assert admit(empty, 2, token="0") == settlement.Admission(hold=0, max_tokens=None)


def test_a_frozen_account_is_refused_even_for_free_models(account):
    CreditAccount.objects.filter(pk=account.pk).update(frozen_reason="A payment is disputed.")
    assert isinstance(admit(account, token="0"), PaymentRequired)


def test_settling_twice_charges_releases_and_counts_once(account):
    admit(account, requested=100)
    assert Hold.objects.get().amount == usd("0.0001")
    first = settle(account, cost="0.00005", prompt_tokens=10, completion_tokens=40)
    again = settle(account, cost="0.00009", prompt_tokens=10, completion_tokens=80)
    assert first == again == settlement.Settled(cost=usd("0.00005"), balance=usd("9.99995"))
    account.refresh_from_db()
    assert (account.usage, account.held) == (usd("0.00005"), 0)
    (hour,) = account.usagehours.all()
    assert (hour.requests, hour.cost, hour.completion_tokens) == (1, usd("0.00005"), 40)
    assert not Hold.objects.exists()


def test_settling_twice_in_one_batch_charges_once(account):
    admit(account, requested=100)
    twice = [settlement.Settle(generation=generation(account), cost=usd(cost)) for cost in ("0.00005", "0.00009")]
    assert settlement.write_batch(twice) == [settlement.Settled(cost=usd("0.00005"), balance=usd("9.99995"))] * 2
    assert Generation.objects.get().cost == usd("0.00005")


def test_a_failing_batch_inside_a_transaction_changes_nothing(account):
    admit(account, requested=100)
    good = settlement.Settle(generation=generation(account), cost=usd("0.00005"))
    bad = settlement.Settle(generation=generation(account, 2, source=None), cost=usd("0.00005"))
    with pytest.raises(IntegrityError), transaction.atomic():
        settlement.write_batch([good, bad])
    account.refresh_from_db()
    assert (account.usage, account.held, Hold.objects.count()) == (0, usd("0.0001"), 1)


@pytest.mark.django_db(transaction=True)
def test_a_batch_outside_a_transaction_commits_or_rolls_back(account):
    good = settlement.Settle(generation=generation(account), cost=usd("0.00005"))
    bad = settlement.Settle(generation=generation(account, 2, source=None), cost=usd("0.00005"))
    with pytest.raises(IntegrityError):
        settlement.write_batch([good, bad])
    assert not Generation.objects.exists()  # the connection is usable for the next batch
    settlement.write_batch([good])
    connection.close()
    assert Generation.objects.get().cost == usd("0.00005")


def test_a_cost_above_the_hold_takes_the_available_balance_and_writes_off_the_rest(poor):
    admit(poor, 1, token="0.000001", requested=4000)  # holds $0.004
    admit(poor, 2, token="0.000001", requested=4000)  # holds $0.004, which leaves $0.002
    assert settle(poor, 1, cost="0.02").cost == usd("0.006")
    row = Generation.objects.get(pk=generation(poor, 1).id)
    assert (row.cost, row.write_off) == (usd("0.006"), usd("0.014"))
    assert settle(poor, 2, cost="0.004").balance == 0


def test_a_key_cannot_hold_more_than_its_spend_limit(account, organisation):
    key = ApiKey.objects.create(organisation=organisation, name="k", hash="0" * 64, limit=usd("0.001"))
    assert isinstance(admit(account, key_id=key.pk, requested=1001), PaymentRequired)
    assert admit(account, key_id=key.pk, requested=1000).hold == usd("0.001")
    refusal = admit(account, 2, key_id=key.pk, requested=1)
    assert isinstance(refusal, PaymentRequired)
    assert "/settings/keys" in refusal.message
    assert key.held == usd("0.001")
    other = ApiKey.objects.create(organisation=organisation, name="other", hash="1" * 64, limit=usd("0.001"))
    assert admit(account, 3, key_id=other.pk, requested=1000).hold == usd("0.001")


def test_a_batch_cannot_hold_more_than_the_spend_limit_and_counts_its_settlements_first(account, organisation):
    key = ApiKey.objects.create(organisation=organisation, name="k", hash="0" * 64, limit=usd("0.001"))
    admissions = [
        settlement.Admit(
            generation=generation(account, number, key_id=key.pk), prompt_cost=usd("0"),
            token_price=Decimal("0.000001"), requested_tokens=600, model_max_tokens=600,
        )
        for number in (1, 2)
    ]  # fmt: skip
    first, second = settlement.write_batch(admissions)
    assert isinstance(first, settlement.Admission) and isinstance(second, PaymentRequired)
    settlement_of_first = settlement.Settle(generation=generation(account, 1, key_id=key.pk), cost=usd("0.0005"))
    refused, _ = settlement.write_batch([admissions[1], settlement_of_first])
    assert isinstance(refused, PaymentRequired)  # the settlement counts first, although it came second
    assert refused.metadata["affordable_tokens"] == 500


def test_a_spend_limit_resets_with_its_window(account, organisation):
    key = ApiKey.objects.create(
        organisation=organisation,
        name="k",
        hash="0" * 64,
        limit=usd("0.001"),
        limit_reset="daily",
        usage=usd("5"),
        window_usage=usd("0.001"),
        window_started_at=datetime.now(UTC) - timedelta(days=1),
    )
    assert admit(account, key_id=key.pk, requested=1000).hold == usd("0.001")
    settle(account, key_id=key.pk, cost="0.0004")
    key.refresh_from_db()
    assert (key.held, key.window_usage, key.usage) == (0, usd("0.0004"), usd("5.0004"))


@pytest.mark.parametrize(
    "change",
    [
        {"disabled": True},
        {"deleted_at": datetime(2026, 1, 1, tzinfo=UTC)},
        {"expires_at": datetime(2026, 1, 1, tzinfo=UTC)},
    ],
)
def test_a_key_revoked_after_its_lookup_is_refused_at_admission(account, organisation, change):
    key = ApiKey.objects.create(organisation=organisation, name="k", hash="0" * 64, **change)
    assert isinstance(admit(account, key_id=key.pk), NotAuthenticated)


def test_the_reaper_releases_only_the_holds_of_dead_processes(account):
    admit(account, 1, requested=1000)
    admit(account, 2, requested=1000)
    long_ago = datetime.now(UTC) - timedelta(minutes=5)
    Hold.objects.filter(pk=generation(account, 1).id).update(process_id="dead", created_at=long_ago)
    Hold.objects.filter(pk=generation(account, 2).id).update(created_at=long_ago)
    GatewayProcess.objects.create(id="dead", seen_at=long_ago)
    GatewayProcess.objects.create(id=settlement.PROCESS_ID, seen_at=datetime.now(UTC))
    assert reaper.reap() == 1
    account.refresh_from_db()
    assert account.held == usd("0.001")
    assert reaper.reap() == 0


def test_a_request_that_settles_after_the_reaper_is_charged_without_its_hold(account):
    admit(account, requested=1000)
    Hold.objects.update(process_id="dead", created_at=datetime.now(UTC) - timedelta(minutes=5))
    assert reaper.reap() == 1
    released = Generation.objects.get()
    assert (released.state, released.hold, released.cost) == (Generation.State.RELEASED, usd("0.001"), 0)
    assert settle(account, cost="0.0005").cost == usd("0.0005")
    assert settle(account, cost="0.0007").cost == usd("0.0005")
    account.refresh_from_db()
    assert (account.held, account.usage) == (0, usd("0.0005"))
    row = Generation.objects.get()
    assert (row.state, row.hold, row.cost) == (Generation.State.SETTLED, usd("0.001"), usd("0.0005"))


def test_a_broken_operation_fails_alone(transactional_db, account):
    """The writer retries the operations one by one."""
    good = settlement.Admit(
        generation=generation(account, 1), prompt_cost=usd("0"), token_price=Decimal("0.000001"),
        requested_tokens=10, model_max_tokens=10,
    )  # fmt: skip
    bad = settlement.Admit(
        generation=generation(account, 2, account_id=999_999), prompt_cost=usd("0"), token_price=Decimal(1),
        requested_tokens=10, model_max_tokens=10,
    )  # fmt: skip

    async def both():
        return await asyncio.gather(settlement.queue.admit(good), settlement.queue.admit(bad), return_exceptions=True)

    connection.close()
    first, second = asyncio.run(both())
    settlement.queue.close()
    assert isinstance(first, settlement.Admission)
    assert isinstance(second, KeyError)


async def test_200_concurrent_requests_on_one_cent_never_overdraw(api):
    account = await api.account()
    await sync_to_async(ledger.take)(
        account, account.credits - usd("0.01"), kind=LedgerEntry.Kind.ADJUSTMENT, reference="test:poor"
    )
    responses = await asyncio.gather(
        *(api.chat("Tell me a story", tokens=300, stream=number % 2 == 0, max_tokens=400) for number in range(200))
    )
    served = [response for response in responses if response.status_code == 200]
    assert [response.text for response in responses if response.status_code not in (200, 402)] == []
    assert len(served) >= 5  # as many holds as one cent covers
    account = await api.account()
    assert account.credits - account.usage >= 0
    assert account.held == 0
    await api.assert_books_balance()


def test_a_charge_that_lowers_the_balance_below_the_threshold_starts_a_top_up(
    account, monkeypatch, django_capture_on_commit_callbacks
):
    started = []
    monkeypatch.setattr(tasks.charge_auto_top_up, "delay", started.append)
    CreditAccount.objects.filter(pk=account.pk).update(auto_top_up_below=usd("9.5"))
    with django_capture_on_commit_callbacks(execute=True):
        admit(account, 1, requested=100)
        settle(account, 1, cost="0.4")
    assert started == []
    with django_capture_on_commit_callbacks(execute=True):
        admit(account, 2, requested=100)
        settle(account, 2, cost="0.2")
    assert started == [account.pk]


def test_a_request_whose_hold_was_lost_in_a_database_crash_is_still_charged(account):
    admit(account, requested=1000)
    Hold.objects.all().delete()
    CreditAccount.objects.update(held=0)
    assert settle(account, cost="0.0005", model="acme/one").cost == usd("0.0005")
    row = Generation.objects.get()
    assert (row.state, row.model, row.cost, row.hold) == (Generation.State.SETTLED, "acme/one", usd("0.0005"), 0)
    assert UsageHour.objects.get().cost == usd("0.0005")
