"""Empty the database after a test that commits, in a tenth of the time that Django takes."""

from functools import cache

from django.db import connection, transaction
from django.test import TransactionTestCase

from billing.credits import append_only

#: Constant tables. Django empties them too, then creates their rows again for every model.
KEPT = {"auth_permission", "django_content_type"}


@cache
def tables() -> list[str]:
    """Return the names of the tables to empty."""
    return sorted(set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT)


def empty(_: TransactionTestCase) -> None:
    """Delete all rows. Replaces `TransactionTestCase._fixture_teardown`."""
    statements = [f"DELETE FROM {connection.ops.quote_name(table)}" for table in tables()]
    with transaction.atomic(), append_only.disabled(connection), connection.cursor() as cursor:
        if connection.vendor == "postgresql":  # one round trip takes half the time of one for each table
            statements = ["; ".join(statements)]
        for statement in statements:
            cursor.execute(statement)
