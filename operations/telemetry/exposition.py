"""The content of `/metrics`: the counts of all processes, and what waits in the database."""

import logging
import math
from collections.abc import Iterable
from datetime import datetime

from django.db import connection
from django.db.models import Count, Min, Sum
from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from billing.models import Notice, ProviderEvent
from common.clock import utc_now
from common.money import PICO_PER_USD
from common.telemetry import metrics
from gateway.accounting import reaper
from gateway.models import Hold
from operations.health import periodic_tasks, queues
from operations.models import Incident

__all__ = ["exposition"]

log = logging.getLogger(__name__)


def exposition() -> bytes:
    """Return the metrics in Prometheus' text format. Runs on a thread, which it leaves without a connection."""
    registry = metrics.registry()
    registry.register(_Database())
    return generate_latest(registry)


class _Database(Collector):
    """Rows that wait, and since when. Read once per scrape; nothing while the database doesn't answer."""

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterable[Metric]:
        up = GaugeMetricFamily("openrouter_database_up", "1 if the database has answered this scrape.")
        try:
            found = list(_waiting(utc_now()))
        except Exception as error:
            log.warning("metrics without the database: %s", type(error).__name__)
            found = []
        finally:
            connection.close()
        up.add_metric([], float(bool(found)))
        return [up, *found]


def _waiting(now: datetime) -> Iterable[Metric]:
    holds = Hold.objects.aggregate(number=Count("pk"), amount=Sum("amount"))
    yield GaugeMetricFamily("openrouter_holds_open", "Requests that hold credits.", holds["number"])
    yield GaugeMetricFamily(
        "openrouter_holds_usd", "Held by them, in dollars.", float(holds["amount"] or 0) / PICO_PER_USD
    )
    rows = GaugeMetricFamily("openrouter_queue_rows", "Rows that wait for the worker.", labels=["queue"])
    age = GaugeMetricFamily("openrouter_queue_age_seconds", "How long the oldest of them waits.", labels=["queue"])
    new = ProviderEvent.State.NEW
    for name, waiting, column in (
        ("emails", Notice.objects.filter(due_at__lte=now), "due_at"),
        ("events", ProviderEvent.objects.filter(state=new), "received_at"),
        ("dead_holds", reaper.orphans(now), "created_at"),
    ):
        found = waiting.aggregate(number=Count("pk"), oldest=Min(column))
        rows.add_metric([name], found["number"])
        age.add_metric([name], (now - found["oldest"]).total_seconds() if found["oldest"] else 0)
    yield rows
    yield age
    undeliverable = Notice.objects.filter(due_at=None).count()
    yield GaugeMetricFamily("openrouter_emails_undeliverable", "Emails that were given up.", undeliverable)
    incidents = Incident.objects.filter(closed_at=None).count()
    yield GaugeMetricFamily("openrouter_incidents_open", "Faults that operators were told of.", incidents)
    silent = GaugeMetricFamily(
        "openrouter_worker_silent_seconds",
        "Since the queue's last heartbeat; +Inf if none came.",
        labels=["queue"],
    )
    for queue, seen in queues.last_seen().items():
        silent.add_metric([queue], (now - seen).total_seconds() if seen else math.inf)
    yield silent
    failures = GaugeMetricFamily(
        "openrouter_task_failures", "Runs of a task of the clock that failed since one succeeded.", labels=["task"]
    )
    found = {each.name: each.failures for each in periodic_tasks.failing()}
    for name in periodic_tasks.names():
        failures.add_metric([name], found.get(name, 0))
    yield failures
