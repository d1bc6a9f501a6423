"""Loads the pages of usage of the account with the most requests: `python -m bench.pages.activity_pages`.

Writes lines of JSON: the names of the pages, then for each line it reads (a name, and how often to load that page) the
milliseconds of each load and the CPU time of one. Started by `bench/pages/activity.py`.
"""

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.http import QueryDict  # noqa: E402
from django.test import Client  # noqa: E402

from accounts.models import User  # noqa: E402
from activity.filters import filter_from  # noqa: E402
from activity.requests import listing  # noqa: E402
from activity.sums.picks import Pick  # noqa: E402
from activity.times.periods import PERIODS  # noqa: E402
from common import clock  # noqa: E402
from common.clock import SystemClock, utc_now  # noqa: E402
from gateway.models import Generation  # noqa: E402
from keys import issuing  # noqa: E402
from keys.models import ApiKey  # noqa: E402
from openrouter_site.serving.memory import freeze_startup_objects  # noqa: E402

WARM_UP = 3
_MODEL = [{"field": "model", "operator": "eq", "value": "acme/model-3"}]
#: Analytics queries: name, days, body.
QUERIES: tuple[tuple[str, int, dict[str, object]], ...] = (
    ("total", 7, {"metrics": ["total_usage"]}),
    (
        "by model and day",
        30,
        {"metrics": ["total_usage", "request_count"], "dimensions": ["model"], "granularity": "day"},
    ),
    ("by key and month", 365, {"metrics": ["total_usage"], "dimensions": ["api_key_id"], "granularity": "month"}),
    ("by key and model", 7, {"metrics": ["total_usage"], "dimensions": ["api_key_id", "model"]}),
    ("by key and model", 30, {"metrics": ["total_usage"], "dimensions": ["api_key_id", "model"]}),
    (
        "one model by key and day",
        30,
        {"metrics": ["total_usage"], "dimensions": ["api_key_id"], "granularity": "day", "filters": _MODEL},
    ),
    ("by app and hour", 1, {"metrics": ["tokens_total"], "dimensions": ["app"], "granularity": "hour"}),
)


class Standing(SystemClock):
    """A clock that stands still at the end of the requests, so that a database is as good on the next day."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def utc_now(self) -> datetime:
        return self._now


def pages() -> dict[str, Callable[[], object]]:
    user = User.objects.get(email="bench0@example.com")
    organisation = user.personal_organisation
    key = ApiKey.objects.of(organisation).order_by("pk")[0]
    _, secret = issuing.create(organisation, user, "Management", is_management=True)
    browser, program = Client(), Client(headers={"Authorization": f"Bearer {secret}"})
    browser.force_login(user, backend=settings.AUTHENTICATION_BACKENDS[0])

    def page(client: Client, url: str, **query: str) -> Callable[[], object]:
        def load() -> None:
            response = client.get(url, query)
            assert response.status_code == 200, (url, response.status_code)

        return load

    everything = filter_from(QueryDict("period=all"), organisation, utc_now())
    newest = listing.page_of(everything).requests[0]
    half_a_year = listing.cursor_of(Generation(pk=newest.pk, created_at=newest.created_at - timedelta(days=182)))
    rare = replace(everything, app=Pick.of("https://app-none.example.com/"))
    found = {"home": page(browser, "/")}
    for period, words in PERIODS.items():
        found[f"activity, {words}"] = page(browser, "/activity", period=period)
        found[f"activity, {words}, one model by key"] = page(
            browser, "/activity", period=period, model="acme/model-3", by="key"
        )
    found["activity, All time, one model and key"] = page(
        browser, "/activity", period="all", model="acme/model-3", key=key.hash, by="app"
    )
    found["requests, newest"] = lambda: listing.page_of(everything)
    found["requests, half a year ago"] = lambda: listing.page_of(everything, before=half_a_year)
    found["requests, a filter that matches none"] = lambda: listing.page_of(rare)
    found["logs"] = page(browser, "/logs")
    found["logs, one model"] = page(browser, "/logs", model="acme/model-3")
    found["logs, half a year ago"] = page(browser, "/logs", before=half_a_year)
    found["GET /api/v1/activity"] = page(program, "/api/v1/activity")
    for name, days, body in QUERIES:
        time_range = {"start": f"{utc_now() - timedelta(days=days):%FT%H:00:00Z}", "end": f"{utc_now():%FT%TZ}"}
        found[f"analytics, {days} days, {name}"] = posting(program, body | {"time_range": time_range})
    return found


def posting(program: Client, body: dict[str, object]) -> Callable[[], object]:
    def load() -> None:
        response = program.post("/api/v1/analytics/query", json.dumps(body), content_type="application/json")
        assert response.status_code == 200, response.content

    return load


def measure(load: Callable[[], object], loads: int) -> tuple[list[float], float]:
    """Return the milliseconds of each load, and the mean CPU time of this process and of PostgreSQL's."""
    for _ in range(WARM_UP):
        load()
    times = []
    before = time.process_time() + database_cpu()
    for _ in range(loads):
        began = time.perf_counter()
        load()
        times.append(1000 * (time.perf_counter() - began))
    return times, 1000 * (time.process_time() + database_cpu() - before) / loads


def database_cpu() -> float:
    """Return the CPU seconds of the database's processes that serve us; 0 if they are on another machine."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE datname = current_database()")
        files = [Path(f"/proc/{pid}/schedstat") for (pid,) in cursor.fetchall()]
    return sum(int(file.read_text().split()[0]) for file in files if file.exists()) / 1e9


def main() -> None:
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["testserver"]
    clock.source = Standing(datetime.fromisoformat(os.environ["BENCH_NOW"]))
    found = pages()
    freeze_startup_objects()
    print(json.dumps(list(found)), flush=True)
    for line in sys.stdin:
        name, loads = json.loads(line)
        print(json.dumps(measure(found[name], loads)), flush=True)


if __name__ == "__main__":
    main()
