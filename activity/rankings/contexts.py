"""The clock's part of the rankings by prompt length: the requests of a UTC day that is over, by model and length.

Hours do not know how long a prompt was, so the requests themselves are read, once for each day.
"""

from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import BigIntegerField, Case, Count, Sum, Value, When
from django.db.models.functions import Cast

from activity.models import ModelContextDay, RankedDay
from common.clock import utc_now
from gateway.models import Generation

from .counting import accounts_of, final_count_at, span_of

__all__ = ["LENGTHS", "count_due"]

#: Length -> the most prompt tokens of its requests. The last one also has the longer ones.
LENGTHS = {"1K": 1_000, "10K": 10_000, "100K": 100_000, "1M": 1_000_000, "10M": 10_000_000}
_LAST = next(reversed(LENGTHS))
_LENGTH = Case(
    *(When(prompt_tokens__lte=most, then=Value(name)) for name, most in LENGTHS.items()), default=Value(_LAST)
)


def count_due(most: int = 5) -> None:
    """Count at most that many days that are over and not counted yet, newest first."""
    now = utc_now()
    waiting = RankedDay.objects.filter(has_contexts=False, day__lt=now.date()).order_by("-day")
    due = [day for day in waiting.values_list("day", flat=True) if final_count_at(day) <= now]
    for day in due[:most]:
        _count_day(day)


def _count_day(day: date) -> None:
    start, end = span_of(day)
    sums: dict[tuple[str, str], ModelContextDay] = {}
    for accounts in accounts_of(day):
        counted = [account.id for account in accounts.values() if not account.zero_data_retention]
        requests = Generation.objects.filter(
            account__in=counted,
            created_at__gte=start,
            created_at__lt=end,
            state=Generation.State.SETTLED,
            error_status=None,
        )
        for model, length, *added in _by_length(requests.exclude(model="")):
            row = sums.setdefault((model, length), ModelContextDay(day=day, model=model, length=length))
            row.requests, row.prompt_tokens, row.completion_tokens = (
                before + more
                for before, more in zip((row.requests, row.prompt_tokens, row.completion_tokens), added, strict=True)
            )
    with transaction.atomic():
        RankedDay.objects.select_for_update().get(day=day)
        ModelContextDay.objects.filter(day=day).delete()
        ModelContextDay.objects.bulk_create(sums.values(), batch_size=500)
        RankedDay.objects.filter(day=day).update(has_contexts=True)


def _by_length(requests: Any) -> Any:
    """Return (model, length, requests, prompt tokens, completion tokens)."""
    return (
        requests.order_by()
        .annotate(length=_LENGTH)
        .values_list("model", "length")
        .annotate(
            done=Count("pk"),
            prompt=Cast(Sum("prompt_tokens"), BigIntegerField()),
            completion=Cast(Sum("completion_tokens"), BigIntegerField()),
        )
    )
