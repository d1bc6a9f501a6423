"""Sums by minute, which have no rollup: counted from requests by the index of account and time."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db.models import BigIntegerField, Case, CharField, F, Q, Value, When
from django.db.models.functions import Coalesce, TruncMinute

from billing.models import CreditAccount
from common.storage.replica import usage_connection
from gateway.models import Generation

__all__ = ["sums_by"]

#: The sums that are not those of a column of all requests.
_OTHERS = {
    "requests": "COUNT(*)",
    "failures": "COUNT(error_status)",
    **{name: f"SUM({name}) FILTER (WHERE error_status IS NULL)" for name in ("latency_ms", "duration_ms")},
}
#: The columns of usage that a request has under another name, or without a value.
_COLUMNS: dict[str, Any] = {
    "model": Case(When(model="", then=F("requested_model")), default=F("model"), output_field=CharField()),
    "key_id": Coalesce(F("key_id"), Value(0), output_field=BigIntegerField()),
    "user_id": Coalesce(F("user_id"), Value(0), output_field=BigIntegerField()),
}


def sums_by(
    account: CreditAccount, start: datetime, end: datetime, sums: Sequence[str], column: str, where: Q
) -> list[tuple[datetime, tuple[Any, ...], tuple[int, ...]]]:
    """Return (start of the minute, value of `column`, the `sums`), read in one query.

    `where` is a condition of Generation. Only requests that were charged count, as in the rollups.
    """
    rows = Generation.objects.filter(
        where, account=account, created_at__gte=start, created_at__lt=end, state=Generation.State.SETTLED
    )
    named = rows.order_by().annotate(
        minute=TruncMinute("created_at", tzinfo=UTC), value=_COLUMNS.get(column, F(column))
    )
    read = [name for name in sums if name not in ("requests", "failures")]
    try:
        inner, parameters = named.values_list("minute", "value", "error_status", *read).query.sql_with_params()
    except EmptyResultSet:  # a condition that no request can meet
        return []
    added = ", ".join(f"CAST(COALESCE({_OTHERS.get(name, f'SUM({name})')}, 0) AS bigint)" for name in sums)
    with usage_connection().cursor() as cursor:
        cursor.execute(
            f"SELECT CAST(minute AS text), value, {added} FROM ({inner}) AS found GROUP BY minute, value",  # noqa: S608 our own
            parameters,
        )
        rows = cursor.fetchall()
    return [(datetime.fromisoformat(row[0]).replace(tzinfo=UTC), row[1:2], row[2:]) for row in rows]
