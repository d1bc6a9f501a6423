"""Each statement of a request's life names the account of its rows, so that a database can be divided by account.

Citus, or any other division of the tables among servers, sends a statement to the server that has the account if the
statement names it. The exceptions below are sent to all of them.
"""

import dataclasses
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
from django.apps import apps
from django.db import connection
from django.utils import timezone

from accounts.models import Organisation
from billing.models import CreditAccount
from gateway.accounting.reaper import reap
from gateway.accounting.rollups import roll_up
from gateway.accounting.sql import Statements, execution
from gateway.accounting.sql.statements import load
from gateway.models import GatewayProcess, Generation, Hold, UsageDay
from tests.activity.factory import make_request
from tests.gateway.accounting.test_settlement import admit, settle

#: Statements of a batch that do not name the account of their rows, and why.
EXCEPTIONS = {
    "read_keys": "the batch knows keys by number; the account's organization is read by the same exchange",
    "lock_keys": "as read_keys",
    "update_keys": "rows that lock_keys has locked, by number",
    "update_members": "rows that lock_members has locked, by number",
    "update_budgets": "rows that lock_budgets has locked, by number",
}
#: The clock's own statements that look for work in all accounts, by what only they contain, and why.
LOOKING_FOR_WORK = {
    '"gateway_hold"."created_at" <': "the reaper looks for holds of dead processes",
    "NOT (": "the reaper looks for holds of dead processes",
    'EXISTS(SELECT 1 AS "a" FROM "gateway_usagehour"': "the clock looks for accounts with days to add up, page by page",
}


def scopes() -> dict[str, set[str]]:
    """The columns that name the account, or its organization, by table; the account's own number is one."""
    found = {
        model._meta.db_table: {
            str(field.column)
            for field in model._meta.concrete_fields
            if field.related_model in (CreditAccount, Organisation) and not field.null
        }
        for model in apps.get_models()
    }
    found[CreditAccount._meta.db_table].add("id")
    return {table: columns for table, columns in found.items() if columns}


SCOPES = scopes()
TABLES = "|".join(sorted(SCOPES, key=len, reverse=True))
USED = re.compile(rf'\b(FROM|JOIN|UPDATE|INTO)\s+"?({TABLES})\b"?(?:\s+(?:AS\s+)?"?(\w+)"?)?', re.IGNORECASE)
#: Words that may follow a table, which are no name for it.
KEYWORDS = re.compile("where|set|on|inner|left|order|group|for|returning|limit|using|select|values", re.IGNORECASE)


def without_account(sql: str) -> list[str]:
    """The tables of accounts in a statement that has no condition on their account, and inserts none."""
    found = []
    for how, table, alias in USED.findall(re.sub(r"json_populate_record\(\s*NULL::\w+", "", sql)):
        columns = "|".join(SCOPES[table])
        names = {table, alias} if alias and not KEYWORDS.fullmatch(alias) else {table}
        if how.upper() == "INTO":
            listed = re.search(rf'INTO\s+"?{table}"?\s*\(([^)]*)\)', sql, re.IGNORECASE)
            is_named = bool(listed and re.search(rf"\b({columns})\b", listed[1]))
        else:
            own = rf'(?:"?(?:{"|".join(names)})"?\.)?"?\b(?:{columns})\b"?'
            conditions = re.split(r"\bWHERE\b|\bON\b", sql, flags=re.IGNORECASE)[1:]
            is_named = any(re.search(rf"{own}\s*(=|IN\b)|=\s*\(?{own}", each, re.IGNORECASE) for each in conditions)
        if not is_named:
            found.append(table)
    return found


def test_the_rule_finds_what_it_looks_for():
    assert without_account("DELETE FROM gateway_hold WHERE id = 1") == ["gateway_hold"]
    assert without_account('SELECT 1 FROM "gateway_hold" U0 WHERE U0."account_id" IN (1)') == []
    assert without_account("INSERT INTO gateway_hold (id, amount) SELECT 1") == ["gateway_hold"]
    assert without_account("INSERT INTO gateway_hold (id, account_id) SELECT 1, 2") == []
    assert "gateway_generation" in SCOPES and "gateway_gatewayprocess" not in SCOPES


def test_every_statement_of_a_batch_names_the_account_except_those_listed():
    every = {field.name: getattr(load("postgresql"), field.name) for field in dataclasses.fields(Statements)}
    assert {name for name, statement in every.items() if without_account(statement.text)} == set(EXCEPTIONS)


@contextmanager
def recorded() -> Iterator[list[str]]:
    """The SQL of this thread, with the text of what is prepared."""
    statements: list[str] = []
    exchange = execution._exchange

    def record(execute: Any, sql: str, *rest: Any) -> Any:
        statements.append(sql)
        return execute(sql, *rest)

    def record_batch(bound: Any, *, reads: bool = False) -> Any:
        statements.extend(each if isinstance(each, str) else each.text for each, _ in bound)
        return exchange(bound, reads=reads)

    with mock.patch.object(execution, "_exchange", record_batch), connection.execute_wrapper(record):
        yield statements


@pytest.mark.skipif(connection.vendor != "postgresql", reason="Citus is PostgreSQL")
@pytest.mark.django_db(transaction=True)
def test_from_admission_to_rollup_every_other_statement_names_it_too(account):
    long_ago = timezone.now() - timedelta(hours=1)
    make_request(account, at=timezone.now() - timedelta(days=3))
    with recorded() as statements:
        admit(account, requested=1000)
        settle(account, cost="0.0005", model="acme/one")
        settle(account, cost="0.0005", model="acme/one")  # again, which changes nothing
        admit(account, 2, requested=1000, created_at=long_ago)
        GatewayProcess.objects.update(seen_at=long_ago)
        assert reap() == 1
        settle(account, 2, cost="0.0005", model="acme/one")  # in place of what the reaper has written
        roll_up()
    assert (Generation.objects.count(), Hold.objects.count(), UsageDay.objects.count()) == (3, 0, 1)
    excepted = {getattr(load("postgresql"), name).text for name in EXCEPTIONS}
    texts = [sql for sql in statements if sql not in excepted]
    assert any("DELETE FROM gateway_generation" in sql for sql in texts)
    faults = {sql: tables for sql in texts if (tables := without_account(sql))}
    unexplained = {sql: tables for sql, tables in faults.items() if not any(each in sql for each in LOOKING_FOR_WORK)}
    assert unexplained == {}
