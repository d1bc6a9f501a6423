"""How the database is emptied after a test that commits: in a tenth of the time of Django's own way."""

from functools import cache

from django.db import connection, transaction
from django.test import TransactionTestCase

from billing.credits import append_only

#: The same for every test. Django deletes these too, and then makes them anew for every model.
KEPT = {"auth_permission", "django_content_type"}


@cache
def tables() -> list[str]:
    return sorted(set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT)


def empty(_: TransactionTestCase) -> None:
    """In place of `TransactionTestCase._fixture_teardown`."""
    with transaction.atomic(), append_only.disabled(connection), connection.cursor() as cursor:
        for table in tables():
            cursor.execute(f"DELETE FROM {connection.ops.quote_name(table)}")
