"""Sums by minute, which have no rollup: counted from requests by the index of account and time."""

from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.db.models import BigIntegerField, Case, CharField, F, Q, Value, When
from django.db.models.functions import Coalesce, TruncMinute

from billing.models import CreditAccount
from gateway.models import Generation
from gateway.models.usage import SUMS

__all__ = ["sums_by"]

#: The sums of columns, for all requests and for those that succeeded only.
_ALL, _SUCCEEDED = SUMS[2:9], SUMS[9:]
_SUMS = ", ".join(
    f"CAST({each} AS bigint)"
    for each in (
        "COUNT(*)",
        "COUNT(error_status)",
        *(f"COALESCE(SUM({name}), 0)" for name in _ALL),
        *(f"COALESCE(SUM({name}) FILTER (WHERE error_status IS NULL), 0)" for name in _SUCCEEDED),
    )
)
#: The columns of usage that a request has under another name, or without a value.
_COLUMNS: dict[str, Any] = {
    "model": Case(When(model="", then=F("requested_model")), default=F("model"), output_field=CharField()),
    "key_id": Coalesce(F("key_id"), Value(0), output_field=BigIntegerField()),
    "user_id": Coalesce(F("user_id"), Value(0), output_field=BigIntegerField()),
}


def sums_by(
    account: CreditAccount, start: datetime, end: datetime, column: str, where: Q
) -> list[tuple[datetime, tuple[Any, ...], tuple[int, ...]]]:
    """Return (start of the minute, value of `column`, sums in the order of `SUMS`), read in one query.

    `where` is a condition of Generation. Only requests that were charged count, as in the rollups.
    """
    rows = Generation.objects.filter(
        where, account=account, created_at__gte=start, created_at__lt=end, state=Generation.State.SETTLED
    )
    named = rows.order_by().annotate(
        minute=TruncMinute("created_at", tzinfo=UTC), value=_COLUMNS.get(column, F(column))
    )
    inner, parameters = named.values_list("minute", "value", "error_status", *_ALL, *_SUCCEEDED).query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT minute, value, {_SUMS} FROM ({inner}) AS found GROUP BY minute, value",  # noqa: S608 our own
            parameters,
        )
        return [(_read(minute), (value,), tuple(sums)) for minute, value, *sums in cursor.fetchall()]


def _read(minute: datetime | str) -> datetime:
    """Return the minute, which SQLite gives as a text."""
    return (datetime.fromisoformat(minute) if isinstance(minute, str) else minute).replace(tzinfo=UTC)
