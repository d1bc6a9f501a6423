"""The fee of requests on own provider keys, and the free share of a month, to the request and the pico-USD."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from threading import Barrier

import msgspec
import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from billing.credits import ledger, reconciliation
from billing.models import CreditAccount, LedgerEntry
from common.clock import utc_now
from common.errors import PaymentRequired, PermissionDenied
from common.limits import spend_limits
from gateway.accounting import settlement
from gateway.accounting.own_keys import FreeShare, OwnKeyBound, fee_of
from gateway.accounting.rows import OwnKeyMonthRow
from gateway.accounting.sql import statements
from gateway.models import Generation, Hold, OwnKeyMonth
from guardrails import saving as guardrails
from keys.models import ApiKey
from keys.rules.status import KeyStatus
from tests.gateway.accounting.test_settlement import generation
from tests.gateway.factory import usd

BOUND = OwnKeyBound(
    prompt_cost=usd("0.1"), oversize_cost=0, token_price=Decimal("0.001"), model_max_tokens=1000
)  # $1.10 at list price


def admission(account, number, *, shared="0", is_shared=False, bound=BOUND, **fields):
    return settlement.Admit(
        generation=generation(account, number, **fields),
        prompt_cost=usd(shared),
        token_price=Decimal(0),
        requested_tokens=1000,
        model_max_tokens=1000,
        own=bound,
        is_shared=is_shared,
    )


def ending(account, number, *, listed="1", key=7, extras="0", **fields):
    row = generation(account, number, byok_key_id=key, byok_cost=usd(listed) if key else 0, model="acme/one", **fields)
    return settlement.Settle(generation=row, cost=usd(extras))


def write(*operations):
    return settlement.write_batch(list(operations))


def month(account) -> OwnKeyMonth:
    return OwnKeyMonth.objects.get(account=account)


@pytest.fixture
def three_free(settings, account):
    settings.BYOK_FREE_REQUESTS = 3
    return account


@pytest.fixture
def empty(account) -> CreditAccount:
    ledger.take(account, account.credits, kind=LedgerEntry.Kind.ADJUSTMENT, reference="test:empty")
    account.refresh_from_db()
    return account


def test_the_fee_is_five_percent_of_the_list_price():
    assert fee_of(usd("19")) == usd("0.95")
    assert fee_of(3) == 0  # 0.15 pico-USD


def test_the_share_is_a_number_of_requests_or_a_sum_of_list_prices():
    used = OwnKeyMonthRow(1, "2026-11", free_requests=2, free_listed=usd("3"))
    requests, dollars = FreeShare(True, 3), FreeShare(False, usd("25000"))
    assert (requests.left(used, 0), requests.left(used, 1), requests.left(used, 5)) == (1, 0, 0)
    assert (requests.free_part(usd("9"), 1), requests.free_part(usd("9"), 0)) == (usd("9"), 0)
    assert dollars.left(used, usd("1")) == usd("24996")
    assert dollars.free_part(usd("1"), usd("0.25")) == usd("0.25")


def test_requests_within_the_free_share_cost_nothing_and_the_next_one_its_fee(three_free):
    account = three_free
    for number in range(1, 6):
        held, _ = write(admission(account, number), admission(account, 100 + number))
        settled, _ = write(ending(account, number), settlement.Withdraw(generation=generation(account, 100 + number)))
        assert settled.cost == (0 if number <= 3 else usd("0.05"))
        assert held.hold == (0 if number <= 3 else usd("0.055"))
    counted = month(account)
    assert (counted.requests, counted.free_requests) == (5, 3)
    assert (counted.listed, counted.free_listed) == (usd("5"), usd("3"))
    rows = Generation.objects.order_by("id")
    assert [row.price["byok_fee"] for row in rows] == ["0", "0", "0", "0.05", "0.05"]
    assert reconciliation.faults() == []


def test_the_share_of_dollars_ends_in_the_middle_of_a_request(account, settings):
    settings.BYOK_FREE_SHARE, settings.BYOK_FREE_USD = "list_price", Decimal("1.25")
    for number, fee in ((1, 0), (2, usd("0.0375")), (3, usd("0.05"))):  # of 75 cents, and of a dollar
        write(admission(account, number))
        assert write(ending(account, number))[0].cost == fee
    assert month(account).free_listed == usd("1.25")


def test_what_a_running_request_has_reserved_stays_free_for_it(three_free):
    account = three_free
    holds = [write(admission(account, number))[0].hold for number in range(1, 5)]
    assert holds == [0, 0, 0, usd("0.055")]
    assert [hold.byok_share for hold in Hold.objects.order_by("id")] == [1, 1, 1, 0]
    # The one with a hold ends first, then all others in one batch.
    assert write(ending(account, 4))[0].cost == usd("0.05")
    assert [result.cost for result in write(*(ending(account, number) for number in (3, 2, 1)))] == [0, 0, 0]
    assert Generation.objects.filter(write_off__gt=0).count() == 0


def test_in_one_batch_nothing_is_free_twice(three_free):
    account = three_free
    for number in range(1, 5):
        write(admission(account, number))
    costs = [result.cost for result in write(*(ending(account, number) for number in (4, 1, 2, 3)))]
    assert costs == [usd("0.05"), 0, 0, 0]
    assert month(account).free_requests == 3


def test_a_request_that_fails_or_ends_on_shared_capacity_gives_its_share_back(three_free):
    account = three_free
    for number in (1, 2, 3):
        write(admission(account, number))
    write(ending(account, 1, listed="0", error_status=502), ending(account, 2, key=0))
    write(admission(account, 4), admission(account, 5))
    assert [result.cost for result in write(*(ending(account, number) for number in (3, 4, 5)))] == [0, 0, 0]
    assert month(account).requests == 3


def test_settling_again_counts_once(three_free):
    write(admission(three_free, 1))
    assert [write(ending(three_free, 1))[0].cost for _ in range(2)] == [0, 0]
    assert month(three_free).requests == 1


def test_months_are_counted_by_the_time_of_the_request(three_free):
    late = datetime(2026, 10, 31, 23, 59, 59, tzinfo=UTC)
    for number in range(1, 5):
        write(ending(three_free, number, created_at=late if number < 4 else late.replace(month=11, day=1)))
    assert list(OwnKeyMonth.objects.order_by("month").values_list("month", "free_requests")) == [
        ("2026-10", 3),
        ("2026-11", 1),
    ]


def test_an_empty_account_uses_its_free_share_and_is_then_refused(empty, settings):
    settings.BYOK_FREE_REQUESTS = 1
    (first,) = write(admission(empty, 1, is_shared=True, shared="0.5"))
    assert first.hold == 0 and first.only_own
    (second,) = write(admission(empty, 2, is_shared=True, shared="0.5"))
    assert isinstance(second, PaymentRequired)


def test_the_hold_covers_shared_capacity_where_the_balance_does(account, settings):
    settings.BYOK_FREE_REQUESTS = 0
    (held,) = write(admission(account, 1, is_shared=True, shared="0.5"))
    assert (held.hold, held.only_own) == (usd("0.5"), False)
    (held,) = write(admission(account, 2, is_shared=True, shared="0.01"))
    assert held.hold == usd("0.055")


def test_extras_are_charged_in_full_beside_the_fee(account, settings):
    settings.BYOK_FREE_REQUESTS = 0
    write(admission(account, 1))
    assert write(ending(account, 1, extras="0.007"))[0].cost == usd("0.057")


@pytest.mark.parametrize(("counts", "left"), [(True, "7.95"), (False, "9.95")])
def test_a_key_counts_list_prices_toward_its_limit_only_if_it_says_so(account, settings, program_key, counts, left):
    settings.BYOK_FREE_REQUESTS = 1
    key, _ = program_key
    ApiKey.objects.filter(pk=key.pk).update(limit=usd("10"), limit_reset="monthly", include_byok_in_limit=counts)
    for number in (1, 2):
        write(admission(account, number, key_id=key.pk))
        write(ending(account, number, key_id=key.pk))
    key.refresh_from_db()
    assert (key.byok_usage, key.window_byok_usage, key.usage) == (usd("2"), usd("2"), usd("0.05"))
    assert KeyStatus(key, utc_now()).remaining == usd(left)
    ApiKey.objects.filter(pk=key.pk).update(limit=usd("2"))
    (third,) = write(admission(account, 3, key_id=key.pk))
    assert isinstance(third, PaymentRequired) == counts


@pytest.mark.parametrize(("counts", "left"), [(True, "7.95"), (False, "9.95")])
def test_a_guardrail_counts_them_toward_its_budget_only_if_it_says_so(account, settings, program_key, counts, left):
    settings.BYOK_FREE_REQUESTS = 1
    key, _ = program_key
    team = guardrails.create(key.organisation, name="Team", limit=usd("10"), include_byok=counts)
    guardrails.assign(team, None, keys=[key])
    for number in (1, 2):
        write(admission(account, number, key_id=key.pk))
        write(ending(account, number, key_id=key.pk))
    assert spend_limits.remaining(team.assignments.get(), utc_now()) == usd(left)
    guardrails.update(team, limit=usd("2"))
    (third,) = write(admission(account, 3, key_id=key.pk))
    assert isinstance(third, PermissionDenied) == counts


@pytest.fixture
def limited(account, settings, program_key) -> ApiKey:
    """A key with a limit of $4.70 that includes list prices: enough for four requests of $1.155 at most."""
    settings.BYOK_FREE_REQUESTS = 0
    ApiKey.objects.filter(pk=program_key[0].pk).update(limit=usd("4.7"), include_byok_in_limit=True)
    return program_key[0]


def test_running_requests_count_toward_a_limit_that_includes_list_prices(account, limited):
    results = write(*(admission(account, number, key_id=limited.pk) for number in range(1, 6)))
    assert [isinstance(result, PaymentRequired) for result in results] == [False] * 4 + [True]
    assert "remaining spend limit ($0.08)" in results[-1].message
    assert {(hold.amount, hold.byok_listed) for hold in Hold.objects.all()} == {(usd("0.055"), usd("1.1"))}
    assert isinstance(write(admission(account, 6, key_id=limited.pk))[0], PaymentRequired)  # in another batch
    write(ending(account, 1, key_id=limited.pk, listed="0.02"))
    assert not isinstance(write(admission(account, 7, key_id=limited.pk))[0], Exception)


def test_without_max_tokens_a_response_on_own_keys_is_cut_to_what_the_limit_leaves(account, limited):
    ApiKey.objects.filter(pk=limited.pk).update(limit=usd("0.63"))
    operation = msgspec.structs.replace(admission(account, 1, key_id=limited.pk), requested_tokens=None)
    (admitted,) = write(operation)
    assert admitted.own_max_tokens == 500  # $0.63 for a prompt of $0.105 and $0.00105 a token
    assert Hold.objects.get().byok_listed + admitted.hold <= usd("0.63")


def test_a_request_that_may_end_on_shared_capacity_reserves_the_dearer_of_both(account, limited):
    for number, shared, listed in ((1, "0.9", "0.255"), (2, "1.5", "0")):
        (admitted,) = write(admission(account, number, shared=shared, is_shared=True, key_id=limited.pk))
        assert (admitted.hold, admitted.byok_listed) == (usd(shared), usd(listed))


@pytest.mark.parametrize("of_member", [False, True])
def test_running_requests_count_toward_a_budget_that_includes_list_prices(account, settings, limited, of_member):
    ApiKey.objects.filter(pk=limited.pk).update(limit=None)
    team = guardrails.create(limited.organisation, name="Team", limit=usd("2.4"), include_byok=True)
    member = limited.created_by
    guardrails.assign(team, None, **({"members": [member]} if of_member else {"keys": [limited]}))
    options = {"key_id": limited.pk, "user_id": member.pk}
    results = [write(admission(account, number, **options))[0] for number in range(1, 4)]
    assert [isinstance(result, PermissionDenied) for result in results] == [False, False, True]


def test_requests_without_own_keys_read_nothing_of_them(account):
    seen = []
    with connection.execute_wrapper(lambda run, sql, *rest: (seen.append(sql), run(sql, *rest))[1]):
        write(settlement.Settle(generation=generation(account, 1), cost=usd("0.01")))
    names = ("gateway_ownkeymonth", "sum_own_key_shares", "read_own_key_months")
    assert statements().read_own_key_months and not any(name in sql for sql in seen for name in names)


STEP = st.tuples(
    st.integers(1, 6),  # the request
    st.sampled_from(["admit", "admit shared", "served", "served", "failed", "on shared capacity", "withdraw"]),
    st.integers(0, 11 * 10**11),  # its list price, up to the bound, in pico-USD
)


@given(
    st.lists(st.lists(STEP, min_size=1, max_size=5), max_size=8),
    st.sampled_from([("requests", 0, 0), ("requests", 3, 0), ("list_price", 0, 2), ("list_price", 0, Decimal("0.7"))]),
    st.sampled_from(["0", "0.2", "10"]),
)
@hypothesis_settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_after_any_requests_every_sum_agrees_and_the_share_is_never_exceeded(
    account, settings, batches, share, balance
):
    settings.BYOK_FREE_SHARE, settings.BYOK_FREE_REQUESTS, settings.BYOK_FREE_USD = share
    with transaction.atomic():
        CreditAccount.objects.filter(pk=account.pk).update(credits=usd(balance))
        for batch in batches:
            running = set(Hold.objects.values_list("id", flat=True))
            seen = running | set(Generation.objects.values_list("id", flat=True))
            operations = []
            for number, step, listed in batch:
                name = generation(account, number).id
                if step.startswith("admit") and name not in seen:
                    operations.append(admission(account, number, is_shared="shared" in step, shared="0.3"))
                elif not step.startswith("admit") and name in running:
                    row = generation(account, number, byok_key_id=7, byok_cost=listed)
                    if step == "failed":
                        row.byok_cost, row.error_status = 0, 502
                    elif step == "on shared capacity":
                        row.byok_cost = row.byok_key_id = 0
                    is_withdrawn = step == "withdraw"
                    operations.append(
                        settlement.Withdraw(generation=row)
                        if is_withdrawn
                        else settlement.Settle(generation=row, cost=0)
                    )
                seen.add(name)
                running.discard(name)
            if operations:
                write(*operations)
        assert [fault for fault in reconciliation.faults() if "credits" not in str(fault)] == []
        assert not Generation.objects.filter(write_off__gt=0).exists()
        used = OwnKeyMonth.objects.filter(account=account).first() or OwnKeyMonth()
        reserved = sum(Hold.objects.exclude(byok_share=None).values_list("byok_share", flat=True))
        if share[0] == "requests":
            assert used.free_requests + reserved <= share[1]
        else:
            assert used.free_listed + reserved <= usd(str(share[2]))
        fees = sum(Generation.objects.values_list("cost", flat=True))
        assert abs(fees - (used.listed - used.free_listed) * 5 // 100) <= used.requests
        transaction.set_rollback(True)


@given(
    st.lists(st.tuples(st.integers(1, 5), st.sampled_from(["admit", "admit shared", "own", "shared"])), max_size=25),
    st.integers(0, 5 * 10**12),
    st.sampled_from([None, 1, 700]),
)
@hypothesis_settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_runs_a_limit_that_includes_list_prices_is_never_passed(account, limited, steps, limit, max_tokens):
    """Each request costs the most that it may: its `max_tokens`, on an own key or on shared capacity."""
    with transaction.atomic():
        ApiKey.objects.filter(pk=limited.pk).update(limit=limit)
        running: dict[int, settlement.Admission] = {}
        ended: set[int] = set()
        for number, step in steps:
            if step.startswith("admit") and number not in running and number not in ended:
                asked = admission(account, number, is_shared="shared" in step, shared="0.3", key_id=limited.pk)
                (admitted,) = write(msgspec.structs.replace(asked, requested_tokens=max_tokens))
                if not isinstance(admitted, Exception):
                    running[number] = admitted
            elif not step.startswith("admit") and number in running:
                admitted = running.pop(number)
                ended.add(number)
                if step == "own" or admitted.only_own:
                    tokens = admitted.own_max_tokens or BOUND.model_max_tokens
                    most = f"{Decimal('0.1') + tokens * BOUND.token_price}"
                    write(ending(account, number, listed=most, key_id=limited.pk))
                else:
                    write(ending(account, number, key=0, extras="0.3", key_id=limited.pk))
        limited.refresh_from_db()
        reserved = sum(hold.amount + hold.byok_listed for hold in Hold.objects.all())
        assert limited.usage + limited.byok_usage + reserved <= limit
        transaction.set_rollback(True)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite allows one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_120_requests_at_once_use_exactly_the_free_share(account, settings):
    """Each of 12 threads runs ten requests; a fifth of them fail. The share has 40."""
    settings.BYOK_FREE_REQUESTS = 40

    def run(number: int) -> None:
        try:
            write(admission(account, number))
            failed = number % 5 == 0
            write(ending(account, number, listed="0" if failed else "1", error_status=502 if failed else None))
        finally:
            connection.close()

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(run, range(1, 121)))
    counted = month(account)
    assert (counted.requests, counted.free_requests) == (96, 40)
    assert (counted.listed, counted.free_listed) == (usd("96"), usd("40"))
    account.refresh_from_db()
    assert account.usage == 56 * usd("0.05") and account.held == 0
    assert Generation.objects.filter(write_off__gt=0).count() == 0
    assert reconciliation.faults() == []


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite allows one writer at a time")
@pytest.mark.django_db(transaction=True)
def test_20_requests_at_once_never_pass_a_limit_that_includes_list_prices(account, limited):
    """All are admitted or refused before any ends, each in a transaction of its own, and each costs the most it can."""
    decided = Barrier(20, timeout=60)

    def run(number: int) -> bool:
        try:
            (admitted,) = write(admission(account, number, key_id=limited.pk))
            connection.close()  # the others may need its place in the pool
            decided.wait()
            if isinstance(admitted, PaymentRequired):
                return False
            write(ending(account, number, listed="1.1", key_id=limited.pk))
            return True
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as pool:
        served = sum(pool.map(run, range(1, 21)))
    limited.refresh_from_db()
    assert served == 4
    assert limited.usage + limited.byok_usage == 4 * usd("1.155") <= usd("4.7")
    assert reconciliation.faults() == []
