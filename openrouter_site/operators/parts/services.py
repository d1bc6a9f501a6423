"""The database, Redis, the processes, and the mail server."""

import socket
from datetime import timedelta

import redis
from django.conf import settings
from django.db import connection
from django.urls import reverse

from billing.models import Notice, ProviderEvent
from common.clock import utc_now
from common.storage import database, redis_servers
from gateway.accounting.reaper import DEAD_AFTER
from gateway.models import GatewayProcess, Hold
from operations.health import periodic_tasks, queues

from .check import FAILING, MISSING, OK, SIMULATED, UNKNOWN, Check, ago, many

__all__ = ["check_database", "check_mail", "check_redis", "check_tasks", "check_web", "check_worker"]

#: Seconds to wait for another server.
PROBE_SECONDS = 2.0
#: The worker looks for due work every minute.
OVERDUE_AFTER = timedelta(minutes=5)


def check_database() -> list[Check]:
    """Whether every migration is applied, and which database it is."""
    if pending := database.pending_migrations():
        remedy = "Run: python manage.py migrate"
        return [Check("Database", FAILING, f"{many(len(pending), 'migration')} not applied.", remedy)]
    if connection.vendor == "sqlite":
        remedy = "Set DATABASE_URL to a PostgreSQL database for production."
        return [Check("Database", OK, "SQLite: for one machine. All migrations are applied.", remedy)]
    return [Check("Database", OK, "PostgreSQL. All migrations are applied.")]


def check_redis() -> list[Check]:
    """Whether Redis answers, and whether it is needed."""
    if not settings.REDIS_URL:
        detail, remedy = "Not used: limits and live updates are per process.", "Set REDIS_URL."
        is_needed = settings.WEB_CONCURRENCY > 1
        return [Check("Redis", MISSING if is_needed else OK, detail, f"{remedy} More than one web process needs it.")]
    client = redis_servers.client(
        settings.REDIS_URL, socket_timeout=PROBE_SECONDS, socket_connect_timeout=PROBE_SECONDS
    )
    try:
        client.ping()
    except redis.RedisError:
        return [Check("Redis", FAILING, "It doesn't answer.", "Check REDIS_URL, and that the server is running.")]
    finally:
        client.close()
    return [Check("Redis", OK, "It answers.")]


def check_web() -> list[Check]:
    """The web processes that have reported lately."""
    alive = GatewayProcess.objects.filter(seen_at__gte=utc_now() - DEAD_AFTER).count()
    if not alive:
        return [Check("Web processes", UNKNOWN, "None has reported yet: they do with their first request.")]
    return [Check("Web processes", OK, f"{many(alive, 'process', 'processes')} serving requests.")]


def check_worker() -> list[Check]:
    """Whether every queue has a worker, and whether work is overdue."""
    now = utc_now()
    late = now - OVERDUE_AFTER
    emails = Notice.objects.filter(due_at__lt=late).count()
    events = ProviderEvent.objects.filter(state=ProviderEvent.State.NEW, received_at__lt=late).count()
    alive = GatewayProcess.objects.filter(seen_at__gte=now - DEAD_AFTER).values("id")
    holds = Hold.objects.filter(created_at__lt=late).exclude(process_id__in=alive).count()
    overdue = [
        many(count, what)
        for count, what in ((emails, "email"), (events, "webhook event"), (holds, "abandoned hold"))
        if count
    ]
    seen, silent = queues.last_seen(), queues.silent()
    start = f"Start one: {queues.worker_command(silent or seen)}, and exactly one: celery -A openrouter_site beat"
    if overdue:
        return [Check("Worker", FAILING, f"Work is overdue: {', '.join(overdue)}.", start)]
    if not any(seen.values()):
        return [Check("Worker", UNKNOWN, "None has reported yet: they do within a minute.", start)]
    if silent:
        return [Check("Worker", FAILING, f"None takes the queues {', '.join(silent)}.", start)]
    return [Check("Worker", OK, "Every queue has one. No work is overdue.")]


def check_tasks() -> list[Check]:
    """The tasks of the clock whose last run has failed."""
    remedy = "Look for its name in the worker's log."
    return [
        Check("Periodic tasks", FAILING, f"{task.name}, first {ago(task.since)}: {task.error}", remedy)
        for task in periodic_tasks.failing()
    ] or [Check("Periodic tasks", OK, "None has failed in its last run.")]


def check_mail() -> list[Check]:
    """Whether the mail server answers, and emails that could not be delivered."""
    test = "Test it: python manage.py sendtestemail you@example.com"
    if not settings.EMAIL_HOST:
        return [Check("Email", SIMULATED, "Emails are printed in the terminal.", f"Set EMAIL_HOST. {test}")]
    stuck = Notice.objects.filter(due_at=None).count()
    try:
        socket.create_connection((settings.EMAIL_HOST, settings.EMAIL_PORT), PROBE_SECONDS).close()
    except OSError:
        detail = f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT} doesn't answer."
        return [Check("Email", FAILING, detail, f"Check EMAIL_HOST and EMAIL_PORT. {test}")]
    if stuck:
        url = reverse("admin:billing_notice_changelist")
        return [Check("Email", FAILING, f"{many(stuck, 'email')} could not be delivered.", test, url)]
    return [Check("Email", OK, f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT} answers.", test)]
