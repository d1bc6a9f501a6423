"""A year of the rankings' days: what the clock would have added up of 10 million requests, and the ranks of them.

Every model of the catalog has traffic on every day, and so have `APPS` apps, each with two models.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, time, timedelta
from itertools import islice
from typing import Any

from django.db import models

from activity.models import App, AppDay, ModelDay, RankedDay
from activity.rankings import standings
from activity.rankings.counting import HISTORY
from common.clock import utc_now
from models_catalog import catalog

__all__ = ["ONE_APP", "fill"]

REQUESTS = 10_000_000
APPS = 500
BATCH = 5000
ONE_APP = "app-0.example.com"


def fill() -> int:
    """Write the days and compute the ranks. Return the number of rows."""
    now = utc_now()
    days = [now.date() - timedelta(days=back) for back in range(HISTORY)]
    names = list(catalog.current().models)
    App.objects.bulk_create([App(slug=f"app-{number}.example.com", found_at=now) for number in range(APPS)])
    apps = list(App.objects.order_by("pk"))
    _write(RankedDay, (RankedDay(day=day, as_of=datetime.combine(day, time.max, now.tzinfo)) for day in days))
    _write(ModelDay, (ModelDay(day=day, model=name, **_sums(at)) for day in days for at, name in enumerate(names)))
    _write(
        AppDay,
        (
            AppDay(day=day, app=app, model=name, **_sums(at))
            for day in days
            for at, app in enumerate(apps)
            for name in ("", names[at % len(names)], names[(at + 1) % len(names)])
        ),
    )
    standings.compute(changed=True)
    return ModelDay.objects.count() + AppDay.objects.count()


def _sums(at: int) -> dict[str, int]:
    """Return the sums of a day: the first have most."""
    requests = max(REQUESTS // HISTORY // 8 // (at + 1), 1)
    return {"requests": requests, "prompt_tokens": 1500 * requests, "completion_tokens": 400 * requests}


def _write(table: type[models.Model], rows: Iterable[Any]) -> None:
    waiting: Iterator[Any] = iter(rows)
    while batch := list(islice(waiting, BATCH)):
        table._default_manager.bulk_create(batch)
