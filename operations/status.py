"""The public page of the site's state: its parts, the providers in the last day, and incidents of the last week.

Figures are those of real requests. How many there were is not shown.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, Sum
from django.db.models.functions import TruncHour
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from common.clock import utc_now
from common.storage.fresh_cache import FreshCache
from common.web.http import PageRequest
from gateway.models import EndpointMinute
from gateway.routing.health import state, uptime
from models_catalog import catalog
from operations.models import Incident

from .health import queues

__all__ = ["ProviderStatus", "PublicIncident", "Status", "measured", "status"]

HOURS = 24
INCIDENT_DAYS = 7
#: Kinds of incidents that concern visitors, and their titles. The others are the operators' own.
PUBLIC_KINDS = {
    "provider": "{} didn't answer",
    "worker": "Background work was delayed",
    "queue": "Background work was delayed: {}",
}


@dataclass(frozen=True)
class Hour:
    """One hour of a provider: "ok", "warn", "bad", or "none" where too little is known. `x` is its place in the bar."""

    x: int
    state: str


@dataclass(frozen=True)
class ProviderStatus:
    """A provider in the last day. `uptime` is in percent, None where there were too few requests."""

    name: str
    uptime: float | None
    hours: tuple[Hour, ...]
    is_down: bool


@dataclass(frozen=True)
class PublicIncident:
    """An incident as visitors read it; without `closed_at` it is not over."""

    title: str
    opened_at: datetime
    closed_at: datetime | None


@dataclass(frozen=True)
class Status:
    """Everything that the page shows."""

    providers: tuple[ProviderStatus, ...]
    incidents: tuple[PublicIncident, ...]
    silent_queues: tuple[str, ...]
    at: datetime

    @property
    def down(self) -> list[str]:
        """The names of the providers that don't answer now."""
        return [provider.name for provider in self.providers if provider.is_down]


_cache: FreshCache[str, Status] = FreshCache(fresh_seconds=30)


@require_safe
def status(request: PageRequest) -> HttpResponse:
    """The page. Its figures are at most half a minute old."""
    known, stale = _cache.lookup("status")
    if known is None or stale:
        read_at = _cache.now()
        _cache.put("status", known := measured(utc_now()), read_at=read_at)
    return render(request, "operations/status.html", {"status": known, "hours": HOURS, "days": INCIDENT_DAYS})


def measured(now: datetime) -> Status:
    """Return the state at this moment, from the database."""
    week = now - timedelta(days=INCIDENT_DAYS)
    rows = Incident.objects.filter(kind__in=PUBLIC_KINDS).filter(Q(closed_at=None) | Q(closed_at__gte=week))
    names = {slug: provider.name for slug, provider in catalog.current().providers.items()}
    open_now = {row.subject for row in rows if row.kind == "provider" and row.closed_at is None}
    return Status(
        providers=_providers(now, names, open_now),
        incidents=_incidents(rows.order_by("-opened_at", "subject")[:100], names),
        silent_queues=tuple(queues.silent()),
        at=now,
    )


def _incidents(rows: Iterable[Incident], names: dict[str, str]) -> tuple[PublicIncident, ...]:
    """Return the incidents as visitors read them. Queues that fell silent and were heard again together are one."""
    subjects: dict[tuple[str, datetime, datetime | None, str], list[str]] = {}
    for row in rows:
        alone = "" if row.kind == "queue" else row.subject
        subjects.setdefault((row.kind, row.opened_at, row.closed_at, alone), []).append(
            names.get(row.subject, row.subject)
        )
    return tuple(
        PublicIncident(PUBLIC_KINDS[kind].format(", ".join(found)), opened_at, closed_at)
        for (kind, opened_at, closed_at, _), found in subjects.items()
    )


def _providers(now: datetime, names: dict[str, str], down: set[str]) -> tuple[ProviderStatus, ...]:
    """Return the providers with requests in the last day, by name."""
    first = now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    counts: dict[str, dict[datetime, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    rows = (
        EndpointMinute.objects.filter(minute__gte=first)
        .annotate(hour=TruncHour("minute"))
        .values("tag", "hour")
        .annotate(answered=Sum("ok"), failed=Sum("errors"))
        .order_by()
    )
    for row in rows:
        hour = counts[row["tag"].partition("/")[0]][row["hour"]]  # a tag begins with its provider
        hour[0] += row["answered"]
        hour[1] += row["failed"]
    found = [
        ProviderStatus(
            name=names.get(slug, slug),
            uptime=uptime(sum(ok for ok, _ in hours.values()), sum(failed for _, failed in hours.values())),
            hours=tuple(
                Hour(x=number * 4, state=state(*hours.get(first + timedelta(hours=number), (0, 0))))
                for number in range(HOURS)
            ),
            is_down=slug in down,
        )
        for slug, hours in counts.items()
    ]
    return tuple(sorted(found, key=lambda provider: provider.name.lower()))
