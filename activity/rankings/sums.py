"""Reading the days of the rankings. Every query reads days of a period, never requests."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import BigIntegerField, CharField, F, Q, QuerySet, Sum, Value
from django.db.models.expressions import Expression
from django.db.models.functions import Cast, Concat, StrIndex, Substr, TruncMonth, TruncWeek

from activity.models import AppDay, ModelContextDay, ModelDay, UseDay

from .periods import Period

__all__ = [
    "TOKENS",
    "Totals",
    "between",
    "by_bucket",
    "by_date",
    "largest_first",
    "of_apps",
    "of_contexts",
    "of_models",
    "of_uses",
    "totals",
]

DAY = timedelta(days=1)
#: Prompt and completion tokens of a row.
TOKENS = F("prompt_tokens") + F("completion_tokens")


@dataclass(slots=True)
class Totals:
    """The sums of one model, author, app or use.

    `tokens` and `requests` are of the period, today included. `now` and `before` are the tokens of the equally long
    periods that ended yesterday and before it, which can be compared because both are over.
    """

    key: Any
    tokens: int = 0
    requests: int = 0
    now: int = 0
    before: int = 0

    def add(self, other: "Totals") -> None:
        self.tokens += other.tokens
        self.requests += other.requests
        self.now += other.now
        self.before += other.before


def of_models() -> QuerySet[ModelDay]:
    """Return the days of models, with their `author`."""
    slash = StrIndex(Concat("model", Value("/")), Value("/"))
    return ModelDay.objects.annotate(author=Substr("model", 1, slash - 1, output_field=CharField())).order_by()


def of_contexts(length: str) -> QuerySet[ModelContextDay]:
    """Return the days of models, of requests whose prompts have that length."""
    return ModelContextDay.objects.filter(length=length).order_by()


def of_apps(**conditions: Any) -> QuerySet[AppDay]:
    """Return the days of apps that may be shown: without `conditions`, those of all models together."""
    shown = AppDay.objects.filter(app__blocked=False, app__merged_into=None)
    return shown.filter(**conditions or {"model": ""}).order_by()


def of_uses(**conditions: Any) -> QuerySet[UseDay]:
    """Return the days of uses: of classified requests that count for no app."""
    return UseDay.objects.filter(**conditions).order_by()


def totals(rows: QuerySet[Any], columns: Sequence[str], days: int, today: date) -> list[Totals]:
    """Return the sums by `columns` of the last `days` days, and of those before; `key` has their values."""
    first = today - (days - 1) * DAY
    within = rows.filter(day__gte=first - (days + 1) * DAY, day__lte=today)
    found = within.values_list(*columns).annotate(
        tokens=_sum(TOKENS, Q(day__gte=first)),
        done=_sum(F("requests"), Q(day__gte=first)),
        now=_sum(TOKENS, Q(day__gte=first - DAY, day__lt=today)),
        before=_sum(TOKENS, Q(day__lt=first - DAY)),
    )
    return [Totals(_hashable(row[: len(columns)]), *row[len(columns) :]) for row in found]


def largest_first(found: Iterable[Totals]) -> list[Totals]:
    """Return those with tokens in the period, in order."""
    return sorted((each for each in found if each.tokens), key=lambda each: (-each.tokens, each.key))


def between(rows: QuerySet[Any], columns: Sequence[str], start: date, end: date) -> list[Totals]:
    """Return the tokens and requests by `columns` of the days from `start` to `end`, the largest first."""
    found = rows.filter(day__gte=start, day__lte=end).values_list(*columns)
    return largest_first(
        Totals(row[: len(columns)], *row[len(columns) :])
        for row in found.annotate(tokens=_sum(TOKENS), done=_sum(F("requests")))
    )


def by_bucket(
    rows: QuerySet[Any], columns: Sequence[str], period: Period, today: date
) -> dict[tuple[Any, ...], list[int]]:
    """Return the tokens by `columns` in each bucket of the period's chart, oldest first."""
    starts = period.starts(today)
    index = {start: at for at, start in enumerate(starts)}
    values: dict[tuple[Any, ...], list[int]] = {}
    for bucket, key, tokens in by_date(rows, columns, period.bucket, starts[0], today):
        values.setdefault(key, [0] * len(starts))[index[bucket]] += tokens
    return values


def by_date(
    rows: QuerySet[Any], columns: Sequence[str], bucket: str, start: date, end: date
) -> Iterator[tuple[date, tuple[Any, ...], int]]:
    """Yield (first day of a "day", "week" or "month", values of `columns`, tokens) from `start` to `end`."""
    truncated: dict[str, Expression | F] = {"day": F("day"), "week": TruncWeek("day"), "month": TruncMonth("day")}
    within = rows.filter(day__gte=start, day__lte=end).annotate(bucket=truncated[bucket])
    for first, *key, tokens in within.values_list("bucket", *columns).annotate(tokens=_sum(TOKENS)):
        yield first, _hashable(key), tokens


def _hashable(key: Sequence[Any]) -> tuple[Any, ...]:
    """Return the values of a key, lists as tuples."""
    return tuple(tuple(value) if isinstance(value, list) else value for value in key)


def _sum(what: Any, where: Q | None = None) -> Cast:
    return Cast(Sum(what, filter=where, default=0), BigIntegerField())
