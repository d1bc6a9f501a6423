"""Apps in order: by tokens, or by how many more they have than before."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date, timedelta

from django.db.models import Q

from activity.models import App

from .sums import Totals, between, of_apps, totals

__all__ = ["SORTS", "leaders", "leaders_of_last", "with_categories", "with_name"]

#: Values of `sort` in the query string, with labels.
SORTS = {"popular": "Most tokens", "trending": "Trending"}
#: Periods before, whose mean a trending app exceeds.
PERIODS_BEFORE = 3


def leaders(start: date, end: date, sort: str) -> list[Totals]:
    """Return the apps of the days from `start` to `end`, in order; `key` is the app's ID.

    Trending are those with more tokens than in the mean of the three equally long periods before.
    """
    found = [replace(each, key=each.key[0]) for each in between(of_apps(), ("app_id",), start, end)]
    return _sorted(found, start, end, sort)


def leaders_of_last(days: int, today: date, sort: str) -> list[Totals]:
    """Return the apps of the last days, today included, in order and with their growth; `key` is the app's ID."""
    found = [replace(each, key=each.key[0]) for each in totals(of_apps(), ("app_id",), days, today)]
    return _sorted(found, today - timedelta(days=days - 1), today, sort)


def with_categories(found: Collection[Totals], categories: Collection[str]) -> list[Totals]:
    """Return those of the apps that have one of the categories."""
    rows = App.objects.exclude(categories=[]).values_list("pk", "categories")
    known = {pk for pk, mine in rows if not set(categories).isdisjoint(mine)}
    return [each for each in found if each.key in known]


def with_name(found: Collection[Totals], search: str) -> list[Totals]:
    """Return those of the apps whose name or address contains `search`."""
    unnamed = Q(name="") & Q(sent_name__icontains=search)
    known = set(
        App.objects.filter(Q(slug__icontains=search) | Q(name__icontains=search) | unnamed).values_list("pk", flat=True)
    )
    return [each for each in found if each.key in known]


def _sorted(found: list[Totals], start: date, end: date, sort: str) -> list[Totals]:
    if sort != "trending":
        return found
    length = end - start + timedelta(days=1)
    earlier = {
        each.key[0]: each.tokens
        for each in between(of_apps(), ("app_id",), start - PERIODS_BEFORE * length, start - timedelta(days=1))
    }
    gains = {each.key: each.tokens * PERIODS_BEFORE - earlier.get(each.key, 0) for each in found}
    growing = [each for each in found if gains[each.key] > 0]
    return sorted(growing, key=lambda each: (-gains[each.key], each.key))
