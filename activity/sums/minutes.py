"""Sums by minute, which have no rollup: counted from requests by the index of account and time."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.db.models import BigIntegerField, Case, CharField, Count, F, Q, Sum, Value, When
from django.db.models.functions import Cast, Coalesce, TruncMinute

from billing.models import CreditAccount
from gateway.models import Generation
from gateway.models.usage import SUMS

__all__ = ["sums_by"]

_SUCCEEDED = Q(error_status=None)
_SUMS: dict[str, Any] = {
    "requests": Count("pk"),
    "failures": Count("pk", filter=~_SUCCEEDED),
    **{name: Sum(name, default=0) for name in SUMS[2:9]},
    **{name: Sum(name, filter=_SUCCEEDED, default=0) for name in SUMS[9:]},
}
#: The columns of usage that a request has under another name, or without a value.
_COLUMNS: dict[str, Any] = {
    "model": Case(When(model="", then=F("requested_model")), default=F("model"), output_field=CharField()),
    "key_id": Coalesce(F("key_id"), Value(0), output_field=BigIntegerField()),
    "user_id": Coalesce(F("user_id"), Value(0), output_field=BigIntegerField()),
}


def sums_by(
    account: CreditAccount, start: datetime, end: datetime, column: str, where: Q
) -> Iterator[tuple[datetime, tuple[Any, ...], tuple[int, ...]]]:
    """Yield (start of the minute, value of `column`, sums in the order of `SUMS`), read in one query.

    `where` is a condition of Generation. Only requests that were charged count, as in the rollups.
    """
    rows = Generation.objects.filter(
        where, account=account, created_at__gte=start, created_at__lt=end, state=Generation.State.SETTLED
    )
    sums = {f"sum_{name}": Cast(_SUMS[name], BigIntegerField()) for name in SUMS}
    grouped = rows.order_by().annotate(
        minute=TruncMinute("created_at", tzinfo=UTC), value=_COLUMNS.get(column, F(column))
    )
    for begins, value, *found in grouped.values_list("minute", "value").annotate(**sums):
        yield begins, (value,), tuple(found)
