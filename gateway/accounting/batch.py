"""The database side of a batch of admissions and settlements.

A batch is one transaction of two exchanges with the database, whatever its size: BEGIN travels with the reads, COMMIT
with the writes.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import msgspec
from django.db import Error, connection

from billing.spending import AccountRow
from common.storage import database
from gateway.models import Generation

from .rows import (
    BudgetRow,
    ClassifiedDayRow,
    GenerationRow,
    HoldRow,
    HourRow,
    KeyRow,
    MemberRow,
    OwnKeyMonthRow,
    SpendRow,
)
from .sql import BoundStatement, as_json, fetch, ids, on_postgresql, run, statements

__all__ = ["Batch", "LockedRows"]


class LockedRows(msgspec.Struct):
    """The rows that a batch decides from. The accounts stay locked until its transaction ends."""

    accounts: dict[int, AccountRow]
    keys: dict[int, KeyRow]
    #: pico-USD held by the running requests of each key that has a limit and is about to hold more...
    held_by_keys: dict[int, int]
    #: ...and the number of these requests.
    running_by_keys: dict[int, int]
    #: Likewise, pico-USD that count in addition where list prices on own provider keys do.
    listed_by_keys: dict[int, int]
    #: pico-USD held for each request that ends, by request id. Reading has deleted these rows.
    holds: dict[str, int]
    #: For ending requests without a hold: pico-USD once held for those that the reaper has released...
    released: dict[str, int]
    #: ...and pico-USD charged for those that are already settled.
    charged: dict[str, int]
    #: Members with a spend limit, by account and user...
    members: dict[tuple[int, int], MemberRow] = {}
    #: ...and the pico-USD that their running requests hold; those of members with a guardrail's budget as well.
    held_by_members: dict[tuple[int, int], int] = {}
    listed_by_members: dict[tuple[int, int], int] = {}
    #: Budgets of guardrails, by account, key and user: one of the two is None.
    budgets: dict[tuple[int, int | None, int | None], BudgetRow] = {}
    #: For requests that end: what they had reserved of the free share of own provider keys.
    shares: dict[str, int] = {}
    #: Of accounts that use own provider keys in this batch, by account and month: what is counted...
    own_months: dict[tuple[int, str], OwnKeyMonthRow] = {}
    #: ...and what running requests have reserved.
    reserved: dict[tuple[int, str], int] = {}

    def budgets_of(self, generation: GenerationRow) -> list[BudgetRow]:
        """Return the budgets that the request counts toward: the one of its key, and the one of its member."""
        if not self.budgets:
            return []
        account, key, user = generation.account_id, generation.key_id, generation.user_id
        found = (key and self.budgets.get((account, key, None)), user and self.budgets.get((account, None, user)))
        return [budget for budget in found if budget]


class Batch:
    """One transaction: `read`, decide, `write`, in a `with` block. `write` commits.

    A batch that `only_holds` does not wait for the disk, so it may be lost in a database crash, together with
    everything after it. Inside an open transaction a batch becomes part of that transaction.
    """

    def __init__(self, *, only_holds: bool) -> None:
        self._only_holds = only_holds
        self._begin: list[BoundStatement] = []
        self._commit: list[BoundStatement] = []
        if not connection.in_atomic_block:
            self._begin = [("BEGIN" if on_postgresql() else "BEGIN IMMEDIATE", [])]
            self._commit = [("COMMIT", [])]
            if on_postgresql() and only_holds:
                self._begin.append(("SET LOCAL synchronous_commit = off", []))

    def __enter__(self) -> "Batch":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        if error is not None and self._commit:
            try:
                run([("ROLLBACK", [])])
            except Error:  # the connection is broken
                database.close_for_good()

    def read(
        self,
        accounts: Collection[int],
        keys: Collection[int],
        users: Collection[int],
        holding: Collection[int],
        ended: Collection[str],
        own_keys: Collection[int] = (),
    ) -> LockedRows:
        """Lock these accounts, read these keys and users' limits, and delete the holds of requests that have `ended`.

        `holding` are the keys that are about to hold more, `own_keys` the accounts with requests on own provider keys.
        Rows are locked in id order, accounts before keys, so that two batches cannot deadlock. A batch that only holds
        changes no key, and everything that holds or spends with a key has locked its account: then the keys are only
        read.
        """
        known = statements()
        bound: list[BoundStatement] = [*self._begin, (known.lock_accounts, [ids(sorted(accounts))])]
        if keys:
            bound.append((known.read_keys if self._only_holds else known.lock_keys, [ids(sorted(keys))]))
        if ended:
            bound.append((known.delete_holds, [ids(accounts), ids(ended)]))
        results = iter(fetch(bound)[len(self._begin) :])
        locked_accounts = {row[0]: AccountRow(*row) for row in _in_utc(next(results))}
        locked_keys = {row[0]: KeyRow(*row) for row in _in_utc(next(results))} if keys else {}
        deleted = list(next(results)) if ended else []
        holds = {request: amount for request, amount, _ in deleted}
        shares = {request: share for request, _, share in deleted if share is not None}
        limited = [pk for pk in holding if (key := locked_keys.get(pk)) and _limits_running(key)]
        held_by_keys, running_by_keys, listed_by_keys = _held_by(limited, [*locked_accounts])
        released, charged = _ended_before([pk for pk in ended if pk not in holds], accounts)
        limiting = [account.id for account in locked_accounts.values() if account.limits_members]
        members, held_by_members = self._members(limiting, users) if limiting and users else ({}, {})
        own_months, reserved = _own_keys(own_keys) if own_keys else ({}, {})
        locked = LockedRows(
            accounts=locked_accounts,
            keys=locked_keys,
            held_by_keys=held_by_keys,
            running_by_keys=running_by_keys,
            listed_by_keys=listed_by_keys,
            holds=holds,
            released=released,
            charged=charged,
            members=members,
            held_by_members=held_by_members,
            shares=shares,
            own_months=own_months,
            reserved=reserved,
        )
        if budgeted := [account.id for account in locked_accounts.values() if account.has_budgets]:
            self._add_budgets(locked, budgeted, users)
        return locked

    def _members(
        self, accounts: list[int], users: Collection[int]
    ) -> tuple[dict[tuple[int, int], MemberRow], dict[tuple[int, int], int]]:
        """Return the members with a spend limit, and what is on hold for the users. The accounts must be locked.

        As with keys, a batch that only holds does not lock them.
        """
        known = statements()
        members = known.read_members if self._only_holds else known.lock_members
        values = [ids(accounts), ids(sorted(users))]
        found, held = fetch([(members, values), (known.sum_holds_by_member, values)])
        rows = [MemberRow(*row) for row in _in_utc(found)]
        return {(row.account_id, row.user_id): row for row in rows}, {
            (account, user): int(amount) for account, user, amount, _ in held
        }

    def _add_budgets(self, locked: LockedRows, accounts: list[int], users: Collection[int]) -> None:
        """Add the budgets of the locked keys and of the users, and what is on hold for them.

        The accounts must be locked. As with keys, a batch that only holds does not lock the budgets.
        """
        known = statements()
        within, keys, members = ids(accounts), ids(sorted(locked.keys)), ids(sorted(users))
        budgets, of_keys, of_members = fetch(
            [
                (known.read_budgets if self._only_holds else known.lock_budgets, [within, keys, members]),
                (known.sum_holds_by_key, [within, keys]),
                (known.sum_holds_by_member, [within, members]),
            ]
        )
        rows = [BudgetRow(*row) for row in _in_utc(budgets)]
        locked.budgets = {(row.account_id, row.key_id, row.user_id): row for row in rows}
        locked.held_by_keys |= {key: int(amount) for key, amount, _, _ in of_keys}
        locked.listed_by_keys |= {key: int(listed) for key, _, _, listed in of_keys}
        locked.held_by_members |= {(account, user): int(amount) for account, user, amount, _ in of_members}
        locked.listed_by_members |= {(account, user): int(listed) for account, user, _, listed in of_members}

    def write(
        self,
        locked: LockedRows,
        *,
        opened: Sequence[HoldRow],
        settled: Sequence[GenerationRow],
        hours: Sequence[HourRow],
        spend: Sequence[SpendRow],
        own_months: Sequence[OwnKeyMonthRow] = (),
        classified: Sequence[ClassifiedDayRow] = (),
    ) -> None:
        """Update the accounts and keys, insert the opened and the settled requests, add to the sums, and commit.

        A Generation that the reaper has written is replaced. Days that were added up without one of the hours are
        no longer.
        """
        known = statements()
        bound: list[BoundStatement] = []
        if opened:
            bound.append((known.insert_holds, [as_json(opened)]))
        if replaced := [row.id for row in settled if row.id in locked.released]:
            bound.append((known.delete_generations, [ids(locked.accounts), ids(replaced)]))
        if settled:
            bound.append((known.insert_generations, [as_json(settled)]))
        bound.append((known.update_accounts, [_changes(locked.accounts.values())]))
        if charged_keys := {row.key_id for row in settled}.intersection(locked.keys):
            bound.append((known.update_keys, [_changes([locked.keys[key] for key in charged_keys if key is not None])]))
        if spenders := {(row.account_id, row.user_id or 0) for row in settled}.intersection(locked.members):
            bound.append((known.update_members, [_changes([locked.members[each] for each in spenders])]))
        if locked.budgets and (counted := {each.id: each for row in settled for each in locked.budgets_of(row)}):
            bound.append((known.update_budgets, [_changes(counted.values())]))
        if hours:
            bound.append((known.add_to_hours, [as_json(hours)]))
            bound.append((known.reopen_usage, [_days_of(hours)]))
        if classified:
            bound.append((known.add_to_classified_days, [as_json(classified)]))
        if spend:
            bound.append((known.add_to_spend, [as_json(spend)]))
        if own_months:
            bound.append((known.add_to_own_key_months, [as_json(own_months)]))
        run([*bound, *self._commit])


def _limits_running(key: KeyRow) -> bool:
    return key.limit is not None or key.max_concurrent_requests is not None


def _held_by(keys: list[int], accounts: list[int]) -> tuple[dict[int, int], dict[int, int], dict[int, int]]:
    """(pico-USD that the running requests of these keys of these accounts hold, their number, pico-USD of list prices
    on own provider keys in addition), by key."""
    if not keys:
        return {}, {}, {}
    (rows,) = fetch([(statements().sum_holds_by_key, [ids(accounts), ids(keys)])])
    return (
        {key: int(amount) for key, amount, _, _ in rows},
        {key: count for key, _, count, _ in rows},
        {key: int(listed) for key, _, _, listed in rows},
    )


def _own_keys(accounts: Collection[int]) -> tuple[dict[tuple[int, str], OwnKeyMonthRow], dict[tuple[int, str], int]]:
    """(what is counted of own provider keys, what running requests have reserved), by account and month.

    The accounts must be locked, and the holds of requests that end be deleted.
    """
    known, values = statements(), [ids(sorted(accounts))]
    months, shares = fetch([(known.read_own_key_months, values), (known.sum_own_key_shares, values)])
    counted = [OwnKeyMonthRow(*row) for row in months]
    return {(row.account_id, row.month): row for row in counted}, {
        (account, month): int(share) for account, month, share in shares
    }


def _ended_before(requests: list[str], accounts: Collection[int]) -> tuple[dict[str, int], dict[str, int]]:
    """(pico-USD once held for the requests that the reaper released, pico-USD charged for those already settled)."""
    if not requests:
        return {}, {}
    (rows,) = fetch([(statements().read_generations, [ids(accounts), ids(requests)])])
    released = {pk: hold for pk, state, hold, _ in rows if state == Generation.State.RELEASED}
    return released, {pk: cost for pk, _, _, cost in rows if pk not in released}


def _in_utc(rows: list[Any]) -> list[Any]:
    """The rows with aware datetimes: SQLite returns naive ones, which are in UTC."""
    if on_postgresql():
        return rows
    return [[each.replace(tzinfo=UTC) if isinstance(each, datetime) else each for each in row] for row in rows]


def _days_of(hours: Iterable[HourRow]) -> str:
    """The UTC day of each account's oldest hour, as JSON."""
    oldest: dict[int, datetime] = {}
    for row in hours:
        if (known := oldest.get(row.account_id)) is None or row.hour < known:
            oldest[row.account_id] = row.hour
    return as_json([{"account_id": account, "day": hour.replace(hour=0)} for account, hour in oldest.items()])


def _changes(rows: "Iterable[AccountRow | KeyRow | MemberRow | BudgetRow]") -> str:
    """The changed columns of the rows as JSON: without the others, PostgreSQL has half as much to parse."""
    return as_json([{name: getattr(row, name) for name in ("id", *row.CHANGED)} for row in rows])
