"""Loads the site's pages as a visitor and as a member: `python -m bench.pages.page_loads EMAIL LOADS`.

Prints JSON: for each page the milliseconds of each load, the milliseconds of CPU of one, its queries and its bytes.
Started by `bench/pages/pages.py`.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402
from django.db import connection  # noqa: E402
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.test import Client, override_settings  # noqa: E402
from django.test.utils import CaptureQueriesContext  # noqa: E402
from django.urls import path  # noqa: E402

from accounts.models import User  # noqa: E402
from bench.pages import rankings_fill  # noqa: E402
from openrouter_site.serving.memory import freeze_startup_objects  # noqa: E402

WARM_UP = 3
MODEL = "/openai/gpt-4o-mini"
API = "/api/v1/models"
MEMBERS_PAGES = {
    "home, member": "/",
    "activity": "/activity",
    "logs": "/logs",
    "credits": "/settings/credits",
    "keys": "/settings/keys",
}
#: What htmx asks for when another period is chosen.
ANOTHER_PERIOD = ("another period", "/activity?period=7d")
OF_HTMX = {"HX-Request": "true", "X-Kept-Insights": "UTC"}
VISITORS_PAGES = {
    "home, visitor": "/",
    "models": "/models",
    "models, table": "/models?view=table",
    "one model": MODEL,
    "rankings": "/rankings",
    "rankings, apps": "/apps",
    "rankings, one app": f"/apps/{rankings_fill.ONE_APP}",
    "docs": "/docs/quickstart",
    "docs, reference": "/docs/api-reference/models",
}
ANOTHER_FILTER = ("another filter", "/models?input_modalities=image")
RESULTS_ALONE = {"HX-Request": "true", "HX-Target": "results"}


@dataclass(frozen=True)
class Loads:
    """Loads of one page."""

    times: list[float]  # milliseconds
    cpu: float  # of this process, in milliseconds
    queries: int
    size: int  # of the compressed response, in bytes


def bare(request: HttpRequest) -> HttpResponse:
    """Return a page of one line."""
    return HttpResponse("<!doctype html><title>Bare</title>")


urlpatterns = [path("bare", bare)]


def measure(client: Client, url: str, loads: int, headers: dict[str, str] | None = None) -> Loads:
    def load() -> Any:
        response = client.get(url, headers={"Accept-Encoding": "gzip", **(headers or {})})
        assert response.status_code in (200, 304), (url, response.status_code)
        return response

    for _ in range(WARM_UP):
        load()
    with CaptureQueriesContext(connection) as queries:
        size = len(load().content)
    asked = len(queries)  # the next request forgets them
    times, before = [], time.process_time()
    for _ in range(loads):
        times.append(_milliseconds(load))
    return Loads(times, 1000 * (time.process_time() - before) / loads, asked, size)


def _milliseconds(load: Callable[[], object]) -> float:
    began = time.perf_counter()
    load()
    return 1000 * (time.perf_counter() - began)


def main() -> None:
    email, loads = sys.argv[1], int(sys.argv[2])
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["testserver"]
    with override_settings(ROOT_URLCONF=__name__, MIDDLEWARE=[]):
        found = {"bare view": measure(Client(), "/bare", 10 * loads)}
    print(f"{rankings_fill.fill():,} rows of the rankings' days", file=sys.stderr)
    visitor, member = Client(), Client()
    tag = visitor.get(API)["ETag"]
    freeze_startup_objects()
    found[API] = measure(visitor, API, 10 * loads)
    found[f"{API}, 304"] = measure(visitor, API, 10 * loads, {"If-None-Match": tag})
    member.force_login(User.objects.get(email=email), backend=settings.AUTHENTICATION_BACKENDS[0])
    for client, pages in ((visitor, VISITORS_PAGES), (member, MEMBERS_PAGES)):
        found |= {name: measure(client, url, loads) for name, url in pages.items()}
    for client, (name, url), headers in (
        (visitor, ANOTHER_FILTER, RESULTS_ALONE),
        (member, ANOTHER_PERIOD, OF_HTMX),
    ):
        found[name] = measure(client, url, loads, headers)
    print(json.dumps({name: asdict(each) for name, each in found.items()}))


if __name__ == "__main__":
    main()
