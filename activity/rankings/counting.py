"""The clock's part of the rankings: adding up the hours of UTC days by model, by app and by use.

A day is read from the hours of all accounts, an account at a time by index, and its rows are made to be what was read:
so counting a day twice changes nothing. Today is counted at every run, a day that is over until its last requests have
settled, and older days that have not been counted yet, or whose apps or accounts have changed, some at every run.

A classified request counts for its use, whatever its app is used for: the text says more than a header. It is taken
out of the app's other requests, which count for the app's use. So a request has one use at most.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import BigIntegerField, Exists, F, Min, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Cast

from activity.models import AppDay, ModelDay, RankedDay, UseDay
from billing.models import CreditAccount
from common.clock import utc_now
from gateway.models import ClassifiedDay, UsageHour

from .amounts import Account, ModelUse, Seen, Tokens
from .apps.addresses import slug_of
from .apps.app_shares import apps_of, count_apps

__all__ = [
    "HISTORY",
    "Counted",
    "accounts_of",
    "count_again",
    "count_day",
    "count_due",
    "final_count_at",
    "rank_again",
    "span_of",
]

#: Days that are ranked.
HISTORY = 366
#: A day is counted for the last time this long after its end, when its last requests have settled.
PATIENCE = timedelta(hours=6)
ACCOUNTS_PER_QUERY = 1000
DAY = timedelta(days=1)

_SUMS = ("requests", "prompt_tokens", "completion_tokens")
_ADDED = {
    "done": Cast(Sum(F("requests") - F("failures")), BigIntegerField()),
    "prompt": Cast(Sum("prompt_tokens"), BigIntegerField()),
    "completion": Cast(Sum("completion_tokens"), BigIntegerField()),
}


class Counted(NamedTuple):
    """The apps that accounts used, and whether anything is different from the last count."""

    seen: Seen
    changed: bool


def count_due(most: int = 30) -> Counted:
    """Count today, and at most `most` older days that are due, newest first; return the apps of today."""
    now = utc_now()
    today = now.date()
    counted = count_day(today)
    for day in _due(today, now)[:most]:
        counted = Counted(counted.seen, count_day(day).changed or counted.changed)
    return counted


def rank_again() -> None:
    """Have the ranks computed again, because what is shown of an app has changed."""
    RankedDay.objects.filter(day=utc_now().date()).update(stale=True)


def count_again(account: CreditAccount | None = None) -> None:
    """Have days counted again, because what counts for an app has changed: all, or those with usage of the account."""
    days = RankedDay.objects.filter(stale=False)
    if account:
        used = UsageHour.objects.filter(account=account).order_by().datetimes("hour", "day", tzinfo=UTC)
        days = days.filter(day__in=[moment.date() for moment in used])
    days.update(stale=True)


def count_day(day: date) -> Counted:
    """Count one UTC day, and return the apps that accounts used. A later count that is already written wins."""
    as_of = utc_now()
    models: dict[str, Tokens] = defaultdict(Tokens)
    uses: dict[ModelUse, Tokens] = defaultdict(Tokens)
    usage: dict[str, dict[Account, dict[ModelUse, Tokens]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(Tokens))
    )
    slugs: dict[str, str | None] = {"": None}
    for account, app, (model, use), tokens in _usage(day):
        models[model] = models[model].plus(tokens)
        if use:
            uses[model, use] = uses[model, use].plus(tokens)
        if app not in slugs:
            slugs[app] = slug_of(app)
        if (slug := slugs[app]) and account.show_apps is not False:
            mine = usage[slug][account]
            mine[model, use] = mine[model, use].plus(tokens)
    known = apps_of(usage, as_of)
    apps = count_apps(usage, known)
    with transaction.atomic():
        row, new = RankedDay.objects.select_for_update().get_or_create(day=day, defaults={"as_of": as_of})
        changed = new or row.stale
        if new or row.as_of <= as_of:
            changed |= _write(ModelDay, day, ("model",), {(model,): tokens for model, tokens in models.items()})
            changed |= _write(AppDay, day, ("app_id", "model", "use"), apps)
            changed |= _write(UseDay, day, ("model", "use"), _without_apps(uses, apps))
            RankedDay.objects.filter(pk=day).update(as_of=as_of, stale=False)
    seen: dict[Account, dict[str, int]] = defaultdict(dict)
    for name, target in known.items():
        if target.slug == name:  # not merged into another one
            for account in usage[name]:
                seen[account][name] = target.pk
    return Counted(seen, changed)


def _due(today: date, now: datetime) -> list[date]:
    """Return the days before today that are not counted yet, newest first."""
    done = {
        row.day
        for row in RankedDay.objects.filter(stale=False)
        if row.as_of >= final_count_at(row.day) or row.as_of.date() > row.day + DAY
    }
    oldest = today - timedelta(days=HISTORY)
    wanted = [day for day in (today - DAY * back for back in range(1, HISTORY + 1)) if day not in done]
    if len(wanted) < 3:
        return wanted
    first = _first_day(oldest)
    return [day for day in wanted if first and day >= first] or wanted[:1]


def _first_day(oldest: date) -> date | None:
    """Return the first day with usage since `oldest`, found by an index entry of each account."""
    hours = UsageHour.objects.filter(account=OuterRef("pk"), hour__gte=datetime.combine(oldest, time(), UTC))
    first = CreditAccount.objects.annotate(first=Subquery(hours.order_by("hour").values("hour")[:1]))
    hour: datetime | None = first.aggregate(hour=Min("first"))["hour"]
    return hour.astimezone(UTC).date() if hour else None


def span_of(day: date) -> tuple[datetime, datetime]:
    """Return the moments at which a UTC day starts and ends."""
    start = datetime.combine(day, time(), UTC)
    return start, start + DAY


def final_count_at(day: date) -> datetime:
    """Return the moment from which on nothing is added to the day."""
    return span_of(day)[1] + PATIENCE


def accounts_of(day: date) -> Iterator[dict[int, Account]]:
    """Yield the accounts with usage on the day by ID, some at a time."""
    hours = _hours(day)
    settings = ("zero_data_retention", "show_apps_in_rankings", "classify_requests")
    privacy = [f"organisation__privacy__{name}" for name in settings]
    active = CreditAccount.objects.filter(Exists(hours.filter(account=OuterRef("pk")))).order_by("pk")
    last = 0
    while page := list(active.filter(pk__gt=last).values_list("pk", "organisation_id", *privacy)[:ACCOUNTS_PER_QUERY]):
        yield {row[0]: Account(*row) for row in page}
        last = page[-1][0]


def _usage(day: date) -> Iterator[tuple[Account, str, ModelUse, Tokens]]:
    """Yield (account, app as sent, (model, use), tokens) of a day: each classified use, and all that has none."""
    hours = _hours(day).exclude(model="")
    for known in accounts_of(day):
        accounts = {pk: account for pk, account in known.items() if not account.zero_data_retention}
        # Before the hours, which then have all of them: both are written together.
        classified = _classified(day, [account.id for account in accounts.values() if account.counts_by_use])
        sums = hours.filter(account__in=list(accounts)).order_by().values_list("account", "app", "model")
        for account, app, model, *added in sums.annotate(**_ADDED).iterator():
            if not (rest := Tokens(*added)).total:
                continue
            for use, tokens in classified.get((account, app, model), ()):
                rest = rest.minus(tokens)
                yield accounts[account], app, (model, use), tokens
            if any(rest):
                yield accounts[account], app, (model, ""), rest


def _classified(day: date, accounts: Collection[int]) -> dict[tuple[int, str, str], list[tuple[str, Tokens]]]:
    """Return the uses of these accounts' classified requests, with their tokens, by account, app and model."""
    found: dict[tuple[int, str, str], list[tuple[str, Tokens]]] = defaultdict(list)
    rows = ClassifiedDay.objects.filter(account__in=accounts, day=day) if accounts else ClassifiedDay.objects.none()
    for account, app, model, use, *sums in rows.order_by("use").values_list("account", "app", "model", "use", *_SUMS):
        found[account, app, model].append((use, Tokens(*sums)))
    return found


def _without_apps(
    uses: Mapping[ModelUse, Tokens], apps: Mapping[tuple[int, str, str], Tokens]
) -> dict[ModelUse, Tokens]:
    """Return what is left of the classified requests without those that count for an app."""
    left = dict(uses)
    for (_, model, use), tokens in apps.items():
        if model and use:
            left[model, use] = left[model, use].minus(tokens)
    return {key: tokens for key, tokens in left.items() if any(tokens)}


def _hours(day: date) -> QuerySet[UsageHour]:
    start, end = span_of(day)
    return UsageHour.objects.filter(hour__gte=start, hour__lt=end)


def _write(
    table: type[ModelDay | AppDay | UseDay],
    day: date,
    columns: tuple[str, ...],
    wanted: Mapping[tuple[Any, ...], Tokens],
) -> bool:
    """Make `wanted` the rows of the day. Only rows that differ are written; return whether there were any."""
    rows: Any = table.objects
    stored = {
        key: (pk, Tokens(*sums))
        for pk, key, sums in (
            (row[0], row[1 : 1 + len(columns)], row[1 + len(columns) :])
            for row in rows.filter(day=day).values_list("pk", *columns, *_SUMS)
        )
    }
    gone = [pk for key, (pk, _) in stored.items() if key not in wanted]
    rows.filter(pk__in=gone).delete()
    changed = [
        table(day=day, **dict(zip(columns, key, strict=True)), **dict(zip(_SUMS, tokens, strict=True)))
        for key, tokens in sorted(wanted.items())
        if key not in stored or stored[key][1] != tokens
    ]
    unique = ["day", *(name.removesuffix("_id") for name in columns)]
    rows.bulk_create(changed, batch_size=500, update_conflicts=True, unique_fields=unique, update_fields=list(_SUMS))
    return bool(gone or changed)
