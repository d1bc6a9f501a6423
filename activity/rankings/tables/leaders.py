"""The apps of some days in order: by tokens, or by how many more they have than before."""

from collections.abc import Collection
from dataclasses import replace
from datetime import date, timedelta

from activity.models import App
from activity.rankings.standings import PERIODS_BEFORE
from activity.rankings.sums import Totals, between, of_apps

__all__ = ["SORTS", "leaders", "of_categories"]

#: Values of `sort` in the query string, with labels.
SORTS = {"popular": "Most tokens", "trending": "Trending"}


def leaders(start: date, end: date, sort: str, categories: Collection[str] = ()) -> list[Totals]:
    """Return the apps of the days from `start` to `end`, in order; `key` is the app's ID.

    With `categories`, those with one of them. Trending are apps with more tokens than in the mean of the three equally
    long periods before.
    """
    found = [replace(each, key=each.key[0]) for each in between(of_apps(), ("app_id",), start, end)]
    if categories:
        known = of_categories(categories)
        found = [each for each in found if each.key in known]
    if sort != "trending":
        return found
    length = end - start + timedelta(days=1)
    before = between(of_apps(), ("app_id",), start - PERIODS_BEFORE * length, start - timedelta(days=1))
    earlier = {each.key[0]: each.tokens for each in before}
    gains = {each.key: each.tokens * PERIODS_BEFORE - earlier.get(each.key, 0) for each in found}
    growing = [each for each in found if gains[each.key] > 0]
    return sorted(growing, key=lambda each: (-gains[each.key], each.key))


def of_categories(categories: Collection[str]) -> set[int]:
    """Return the IDs of the apps with one of the categories."""
    apps = App.objects.exclude(categories=[], sent_categories=[])
    return {app.pk for app in apps if not set(categories).isdisjoint(app.shown_categories)}
