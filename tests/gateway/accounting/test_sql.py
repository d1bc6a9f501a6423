"""A batch's statements on PostgreSQL are prepared once per connection, and find rows by index in any table."""

import dataclasses
import re

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, transaction

from common.storage import database
from gateway.accounting.sql import Statements, ids, statements
from gateway.models import Generation, UsageHour
from tests.gateway.accounting.test_settlement import admit, settle

pytestmark = [
    pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite prepares by itself"),
    pytest.mark.django_db(transaction=True),
]


@pytest.fixture(autouse=True)
def fresh_connection(account):
    database.close_pool()  # it may lend one that another test's thread has used
    yield
    database.close_for_good()


def prepared() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements")
        return {name for (name,) in cursor.fetchall()}


def spend(account) -> int:
    admit(account, requested=1000)
    return settle(account, cost="0.0005", model="acme/one").cost


def test_a_connection_prepares_every_statement_once(account):
    assert prepared() == set()
    spend(account)
    names = {getattr(statements(), field.name).name for field in dataclasses.fields(Statements)}
    assert prepared() == names
    assert len(names) == len(dataclasses.fields(Statements))
    database.close_for_good()
    settle(account, 2, model="acme/one")
    assert prepared() == names


def test_behind_a_pooler_the_same_is_written_without_preparing(account, settings):
    settings.DATABASE_POOLER = True
    assert spend(account) == 500_000_000
    assert prepared() == set()
    with connection.cursor() as cursor:
        cursor.execute("SHOW enable_seqscan")
        assert cursor.fetchone() == ("on",)
    assert (Generation.objects.get().cost, UsageHour.objects.get().cost) == (500_000_000, 500_000_000)


def test_the_error_behind_an_undeclared_pooler_names_the_setting(account):
    spend(account)
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")  # as if the next transaction had got another connection
    with pytest.raises(ImproperlyConfigured, match="DATABASE_POOLER=true"):
        admit(account, 2)


def test_the_planner_settings_outlast_a_transaction_that_is_rolled_back(account):
    with transaction.atomic():
        admit(account, 2)  # the first use of the connection
        transaction.set_rollback(True)
    with connection.cursor() as cursor:
        cursor.execute("SHOW enable_seqscan")
        assert cursor.fetchone() == ("on",)
        assert spend(account) == 500_000_000
        cursor.execute("SHOW enable_seqscan")
        assert cursor.fetchone() == ("off",)
        cursor.execute(f"EXPLAIN {statements().update_accounts.execute}", ["[]"])
        assert "Seq Scan" not in str(cursor.fetchall())


@pytest.mark.parametrize(
    "name",
    [
        "lock_accounts",
        "read_keys",
        "lock_keys",
        "delete_holds",
        "read_generations",
        "delete_generations",
        "update_accounts",
        "update_keys",
        "update_members",
        "reopen_usage",
    ],
)
def test_rows_are_found_by_index_in_a_small_table(account, name):
    spend(account)
    statement = getattr(statements(), name)
    values = ["[]" if parameter == ("rows", "json") else ids([1, 2]) for parameter in statement.parameters]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {statement.execute}", values)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert re.search(r"Index Scan|Bitmap Index Scan", plan), plan
    assert "Seq Scan" not in plan
