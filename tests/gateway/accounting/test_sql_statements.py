"""The statements of `postgresql.sql` and `sqlite.sql` list the columns of their tables and store every value."""

import re
import sqlite3
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from django.db import connection

from accounts.models import Membership
from billing.models import CreditAccount
from billing.spending import AccountRow
from gateway.accounting.rows import BudgetRow, GenerationRow, HoldRow, HourRow, KeyRow, MemberRow, SpendRow
from gateway.accounting.sql import Statements, as_json, fetch, ids, run, statements
from gateway.accounting.sql.statements import load
from gateway.models import Generation, Hold, ProviderSpend, UsageHour
from guardrails.models import Assignment
from keys.models import ApiKey

NOW = datetime(2026, 11, 2, 12, 30, 15, 123456, tzinfo=UTC)
NAMES = [field.name for field in fields(Statements)]
ALL = [(vendor, name) for vendor in ("postgresql", "sqlite") for name in NAMES]
INSERTS = {
    "insert_holds": (HoldRow, Hold),
    "insert_generations": (GenerationRow, Generation),
    "add_to_hours": (HourRow, UsageHour),
    "add_to_spend": (SpendRow, ProviderSpend),
}
READS = {
    "lock_accounts": (AccountRow, CreditAccount),
    "read_keys": (KeyRow, ApiKey),
    "lock_keys": (KeyRow, ApiKey),
}
UPDATES = {
    "update_accounts": (AccountRow, CreditAccount),
    "update_keys": (KeyRow, ApiKey),
    "update_members": (MemberRow, Membership),
    "update_budgets": (BudgetRow, Assignment),
}

on_both = pytest.mark.parametrize("vendor", ["postgresql", "sqlite"])


def source(vendor: str, name: str) -> str:
    return getattr(load(vendor), name).source


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def columns(model: Any) -> set[str]:
    return {field.attname for field in model._meta.concrete_fields}


def sample(row: Any, **given: Any) -> Any:
    """A row with a distinct value, other than the default, in every column."""
    made: dict[str, Any] = {}
    for number, field in enumerate(msgspec.structs.fields(row), 1):
        kind = str(field.type)
        if "datetime" in kind:
            made[field.name] = NOW + timedelta(minutes=number)
        elif "bool" in kind:
            made[field.name] = True
        elif "list" in kind:
            made[field.name] = [{"endpoint": "a/b", "status": 503, "latency_ms": None}]
        elif "dict" in kind:
            made[field.name] = {"prompt": "0.0000001", "completion": "0.2"}
        else:
            made[field.name] = number if "int" in kind else f"s{number}"
    return row(**made | given)


# --- The texts ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_both_databases_have_each_statement_with_the_same_parameters(name):
    on_postgresql, on_sqlite = (getattr(load(vendor), name).parameters for vendor in ("postgresql", "sqlite"))
    assert [parameter for parameter, _ in on_postgresql] == [parameter for parameter, _ in on_sqlite]
    assert on_postgresql


@pytest.mark.parametrize(("vendor", "name"), ALL)
def test_parameters_are_declared_in_the_order_of_use(vendor, name):
    statement = getattr(load(vendor), name)
    used = re.findall(r"(?<!:):'(\w+)'" if vendor == "postgresql" else r"(?<!:):([a-z]\w*)", statement.source)
    assert used == [parameter for parameter, _ in statement.parameters]
    assert statement.text.count("%s") == len(used)
    assert "--" not in statement.text and ";" not in statement.text


@on_both
@pytest.mark.parametrize("name", INSERTS)
def test_an_insert_lists_every_column_of_its_table(vendor, name):
    row, model = INSERTS[name]
    text = source(vendor, name)
    table, listed = re.match(r"INSERT INTO (\w+) \((.*?)\)\s", text, re.DOTALL).groups()
    assert table == model._meta.db_table
    assert words(listed) == [*row.__struct_fields__]
    assert columns(model) - {"id"} == set(words(listed)) - {"id"}
    values = re.search(r"SELECT(.*?)FROM json_", text, re.DOTALL)[1]
    selected = words(values) if vendor == "postgresql" else re.findall(r"\$\.(\w+)'", values)
    assert selected == words(listed)


@on_both
@pytest.mark.parametrize("name", READS)
def test_a_read_lists_the_fields_of_its_row_in_order(vendor, name):
    row, model = READS[name]
    listed, table = re.match(r"SELECT\s(.*?)\nFROM (\w+)\s", source(vendor, name), re.DOTALL).groups()
    assert table == model._meta.db_table
    listed = re.sub(r"EXISTS \(.*?\n    \) AS \w+,?", "", listed, flags=re.DOTALL)
    assert words(listed) == [field.name for field in msgspec.structs.fields(row) if field.required]
    assert columns(model) >= set(words(listed))


@on_both
@pytest.mark.parametrize("name", UPDATES)
def test_an_update_sets_the_columns_that_settlement_changes(vendor, name):
    row, model = UPDATES[name]
    text = source(vendor, name)
    table, assignments = re.match(r"UPDATE (\w+)\s+SET\s(.*?)\sFROM \(?", text, re.DOTALL).groups()
    assert table == model._meta.db_table
    assert re.findall(r"(\w+) = new\.(\w+)", assignments) == [(column, column) for column in row.CHANGED]
    assert columns(model) >= set(row.CHANGED)


@on_both
def test_an_hour_is_identified_by_every_column_that_is_not_a_sum(vendor):
    text = source(vendor, "add_to_hours")
    identity, sums = re.search(r"ON CONFLICT \((.*?)\) DO UPDATE SET\s(.*)$", text, re.DOTALL).groups()
    assert words(identity) == [*HourRow.IDENTITY] == [_attname(name) for name in UsageHour._meta.constraints[0].fields]
    added = re.findall(r"(\w+) = gateway_usagehour\.(\w+) \+ excluded\.(\w+)", sums)
    assert added == [(name, name, name) for name in HourRow.__struct_fields__ if name not in HourRow.IDENTITY]


def _attname(name: str) -> str:
    return UsageHour._meta.get_field(name).attname


# --- Execution -------------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["insert_holds", "insert_generations", "add_to_hours"])
def test_every_column_of_a_row_is_stored_with_its_value_or_default(name, account):
    row, model = INSERTS[name]
    full = sample(row, account_id=account.pk)
    required = {field.name for field in msgspec.structs.fields(row) if field.required} | {"settled_at"}
    minimal = row(**{field: getattr(full, field) for field in row.__struct_fields__ if field in required})
    minimal = msgspec.structs.replace(minimal, **{"model" if row is HourRow else "id": "other"})
    run([(getattr(statements(), name), [as_json([full, minimal])])])
    stored = model.objects.order_by("pk")
    found = {getattr(each, "model" if row is HourRow else "id"): each for each in stored}
    for expected in (full, minimal):
        actual = found[getattr(expected, "model" if row is HourRow else "id")]
        assert {field: getattr(actual, field) for field in row.__struct_fields__} == msgspec.structs.asdict(expected)


@pytest.mark.django_db
def test_adding_to_an_existing_hour_adds_to_every_sum(account):
    row = sample(HourRow, account_id=account.pk)
    for _ in range(2):
        run([(statements().add_to_hours, [as_json([row])])])
    stored = UsageHour.objects.get()
    for name in HourRow.__struct_fields__:
        once = getattr(row, name)
        assert getattr(stored, name) == (once if name in HourRow.IDENTITY else 2 * once), name


@pytest.mark.django_db
def test_keys_and_accounts_are_read_and_updated_column_by_column(account, organisation):
    key = ApiKey.objects.create(
        organisation=organisation, name="k", hash="0" * 64, limit=7, limit_reset="daily", usage=5, window_usage=3,
        window_started_at=NOW, expires_at=NOW + timedelta(days=1),
    )  # fmt: skip
    for name, pk, (row, model) in (
        ("update_accounts", account.pk, READS["lock_accounts"]),
        ("update_keys", key.pk, READS["read_keys"]),
    ):
        change = sample(row, id=pk)
        values = {column: getattr(change, column) for column in ("id", *row.CHANGED)}
        run([(getattr(statements(), name), [as_json([values])])])
        stored = model.objects.get(pk=pk)
        assert {column: getattr(stored, column) for column in values} == values
    for name, pk, (row, model) in (("lock_accounts", account.pk, READS["lock_accounts"]),
                                   ("lock_keys", key.pk, READS["lock_keys"]),
                                   ("read_keys", key.pk, READS["read_keys"])):  # fmt: skip
        ((found,),) = fetch([(getattr(statements(), name), [ids([pk])])])
        stored = model.objects.get(pk=pk)
        names = [field.name for field in msgspec.structs.fields(row) if field.required]
        naive = [value.replace(tzinfo=UTC) if isinstance(value, datetime) else value for value in found]
        assert dict(zip(names, naive, strict=False)) == {name: getattr(stored, name) for name in names}
        assert naive[len(names) :] == ([False, False] if row is AccountRow else [])  # limits members, has budgets


@pytest.mark.django_db
@pytest.mark.parametrize("name", NAMES)
def test_the_text_in_the_file_runs_unchanged(name):
    """With its named parameters, as in sqlite3 and psql."""
    statement = getattr(statements(), name)
    if connection.vendor == "sqlite":
        connection.ensure_connection()
        database: sqlite3.Connection = connection.connection
        rows = database.execute(statement.source, {parameter: "[]" for parameter, _ in statement.parameters})
        assert rows.fetchall() == []
        return
    text = statement.source
    for parameter, type_ in statement.parameters:
        text = text.replace(f":'{parameter}'", "'[]'" if type_ == "json" else "'{}'")
    with connection.cursor() as cursor:
        cursor.execute(text)
        assert cursor.rowcount == 0
