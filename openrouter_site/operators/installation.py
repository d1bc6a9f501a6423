"""The state of this installation: what is configured, simulated, missing and failing, with the remedy for each.

`checks()` runs every check. One that itself fails is reported as failing, without the text of the error, which may hold
a password. The admin's start page shows the result.
"""

import socket
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis
from django.conf import settings
from django.db import connection
from django.db.models import Max, Sum
from django.urls import reverse

from billing.models import Notice, ProviderEvent, ReconciliationRun
from billing.providers import coinbase, stripe
from common import encryption
from common.clock import utc_now
from common.storage import database, redis_servers
from gateway.accounting.reaper import DEAD_AFTER
from gateway.models import EndpointMinute, GatewayProcess, Hold
from gateway.routing.upstreams import upstream_of
from keys.provider_keys import readability
from models_catalog import catalog
from models_catalog.models import ProviderKey
from operations.health import queues

__all__ = ["FAILING", "MISSING", "OK", "SIMULATED", "UNKNOWN", "Check", "checks"]

OK, SIMULATED, MISSING, FAILING, UNKNOWN = "ok", "simulated", "missing", "failing", "unknown"

#: Seconds to wait for another server.
PROBE_SECONDS = 2.0
#: The worker looks for due work every minute.
OVERDUE_AFTER = timedelta(minutes=5)
#: Reconciliation runs every night.
RECONCILED_WITHIN = timedelta(hours=26)
#: Health of providers: this window, this many requests at least, this share of them failed.
WINDOW, LEAST_REQUESTS, FAILED_SHARE = timedelta(minutes=30), 5, 0.5


@dataclass(frozen=True, slots=True)
class Check:
    """One part of the site: its state, a sentence about it, what to do if anything, and a page of the admin."""

    name: str
    state: str  # OK, SIMULATED, MISSING, FAILING or UNKNOWN
    detail: str
    remedy: str = ""
    url: str = ""

    @property
    def label(self) -> str:
        """The state as a word for people."""
        return "OK" if self.state == OK else self.state.capitalize()


def checks() -> list[Check]:
    """The state of every part, in the order of the page."""
    return [found for name, check in CHECKS for found in _run(name, check)]


def _run(name: str, check: Callable[[], list[Check]]) -> list[Check]:
    try:
        return check()
    except Exception as error:
        return [Check(name, FAILING, f"Couldn't be checked ({type(error).__name__}).", "Look at the server's log.")]


# --- Stores -------------------------------------------------------------------------------------------


def _database() -> list[Check]:
    if pending := database.pending_migrations():
        remedy = "Run: python manage.py migrate"
        return [Check("Database", FAILING, f"{_many(len(pending), 'migration')} not applied.", remedy)]
    if connection.vendor == "sqlite":
        remedy = "Set DATABASE_URL to a PostgreSQL database for production."
        return [Check("Database", OK, "SQLite: for one machine. All migrations are applied.", remedy)]
    return [Check("Database", OK, "PostgreSQL. All migrations are applied.")]


def _redis() -> list[Check]:
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


# --- Processes ----------------------------------------------------------------------------------------


def _web() -> list[Check]:
    alive = GatewayProcess.objects.filter(seen_at__gte=utc_now() - DEAD_AFTER).count()
    if not alive:
        return [Check("Web processes", UNKNOWN, "None has reported yet: they do with their first request.")]
    return [Check("Web processes", OK, f"{_many(alive, 'process', 'processes')} serving requests.")]


def _worker() -> list[Check]:
    now = utc_now()
    late = now - OVERDUE_AFTER
    emails = Notice.objects.filter(due_at__lt=late).count()
    events = ProviderEvent.objects.filter(state=ProviderEvent.State.NEW, received_at__lt=late).count()
    alive = GatewayProcess.objects.filter(seen_at__gte=now - DEAD_AFTER).values("id")
    holds = Hold.objects.filter(created_at__lt=late).exclude(process_id__in=alive).count()
    overdue = [
        _many(count, what)
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


# --- Models -------------------------------------------------------------------------------------------


def _catalog() -> list[Check]:
    known = catalog.current()
    count = len(known.complete.models)
    if not count:
        remedy = "Run: python manage.py load_catalogue, or add a server of your own."
        return [
            Check("Catalog", MISSING, "There are no models.", remedy, reverse("admin:models_catalog_model_changelist"))
        ]
    url = reverse("admin:models_catalog_model_changelist")
    return [Check("Catalog", OK, f"{_many(count, 'model')}, of which {len(known.models):,} can answer here.", url=url)]


def _providers() -> list[Check]:
    real: dict[str, int] = {}
    simulated = 0
    for model in catalog.current().models.values():
        upstreams = [(endpoint, upstream_of(endpoint)) for endpoint in model.endpoints]
        found = {endpoint.provider_name for endpoint, upstream in upstreams if upstream and not upstream.simulated}
        for name in found:
            real[name] = real.get(name, 0) + 1
        simulated += not found and any(upstream for _, upstream in upstreams)
    url = reverse("admin:models_catalog_providerkey_changelist")
    remedy = "Enter a provider's key in the admin, or set it in the environment. You can also add a server of your own."
    if not real and simulated:
        return [Check("Providers", SIMULATED, f"A sandbox answers for all {simulated} models.", remedy, url)]
    if not real:
        return [Check("Providers", MISSING, "No provider has a key, so no model can answer.", remedy, url)]
    named = ", ".join(f"{name} ({count})" for name, count in sorted(real.items()))
    detail = f"With the number of their models: {named}."
    if simulated:
        return [Check("Providers", SIMULATED, f"{detail} A sandbox answers for {simulated} more.", remedy, url)]
    return [Check("Providers", OK, detail, url=url)]


def _provider_health() -> list[Check]:
    sums: dict[str, list[int]] = {}
    rows = EndpointMinute.objects.filter(minute__gte=utc_now() - WINDOW).values("tag")
    for row in rows.annotate(served=Sum("ok"), failed=Sum("errors"), refused=Sum("rate_limited")):
        counts = sums.setdefault(row["tag"].partition("/")[0], [0, 0])
        counts[0] += row["served"]
        counts[1] += row["failed"] + row["refused"]
    return [
        Check(
            f"Provider {slug}",
            FAILING,
            f"{failed} of {served + failed} requests failed in the last half hour.",
            "Test its key, look at its status page, or turn it off.",
            reverse("admin:models_catalog_provider_change", args=[slug]),
        )
        for slug, (served, failed) in sorted(sums.items())
        if served + failed >= LEAST_REQUESTS and failed >= FAILED_SHARE * (served + failed)
    ]


def _provider_keys() -> list[Check]:
    found = []
    now = utc_now()
    for key in ProviderKey.objects.filter(enabled=True).select_related("provider").order_by("pk"):
        problem = _problem_of(key, now)
        if problem:
            url = reverse("admin:models_catalog_providerkey_change", args=[key.pk])
            found.append(Check(f"Key {key}", FAILING, *problem, url))
    return found


def _own_provider_keys() -> list[Check]:
    lost = sum(1 for _ in readability.unreadable())
    if not lost:
        return []
    remedy = "Add the former key to ENCRYPTION_KEY and run rotate_encryption, or ask their owners to enter them again."
    return [Check("Customers' provider keys", FAILING, f"{lost} can't be decrypted and are not used.", remedy)]


def _problem_of(key: ProviderKey, now: datetime) -> tuple[str, str] | None:
    """(the problem, its remedy) of a provider's key; None if it has none."""
    try:
        encryption.decrypt(key.secret)
    except encryption.Undecryptable:
        return "It can't be decrypted.", "Add the former key to ENCRYPTION_KEY, or enter this key again."
    if key.last_status in {401, 402} and key.last_refused_at and key.last_refused_at > now - timedelta(hours=1):
        if key.last_status == 401:
            return f"{key.provider.name} rejects it.", "Test it, and replace it if it has been revoked."
        return f"Its account at {key.provider.name} has no credits.", "Add credits there, or turn the key off."
    return None


# --- Money and mail -----------------------------------------------------------------------------------


def _payments() -> list[Check]:
    url = reverse("admin:billing_providerevent_changelist")
    if settings.STRIPE_IS_SANDBOX:
        remedy = "Set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET."
        cards = Check("Card payments", SIMULATED, "The sandbox takes test cards. No money moves.", remedy, url)
    elif not settings.STRIPE_WEBHOOK_SECRETS:
        remedy = "Copy STRIPE_WEBHOOK_SECRET from the webhook endpoint's page in Stripe's dashboard."
        cards = Check("Card payments", MISSING, "Webhooks can't be verified.", remedy, url)
    elif not stripe.is_live():
        cards = Check("Card payments", SIMULATED, "Stripe is in test mode. No money moves.", "Use a live key.", url)
    else:
        cards = Check("Card payments", OK, "Stripe.", url=url)
    if settings.COINBASE_IS_SANDBOX:
        remedy = "Set COINBASE_API_KEY_ID, COINBASE_API_KEY_SECRET and COINBASE_WEBHOOK_SECRET."
        usdc = Check("USDC payments", SIMULATED, "A sandbox. No coins move.", remedy, url)
    elif not coinbase.is_configured():
        usdc = Check("USDC payments", OK, "Not offered.", "Set COINBASE_API_KEY_ID and its secrets to offer them.")
    else:
        usdc = Check("USDC payments", OK, "Coinbase.", url=url)
    return [cards, usdc]


def _webhooks() -> list[Check]:
    url = reverse("admin:billing_providerevent_changelist")
    failed = ProviderEvent.objects.filter(state=ProviderEvent.State.FAILED).count()
    last = ProviderEvent.objects.aggregate(last=Max("received_at"))["last"]
    if failed:
        remedy = "Open them, mend the cause and process them again."
        return [Check("Webhooks", FAILING, f"{_many(failed, 'event')} could not be processed.", remedy, url)]
    if last is None:
        address = f"{settings.SITE_URL}/webhooks/stripe"
        remedy = f"They come with the first payment. Stripe must send them to {address}."
        return [Check("Webhooks", UNKNOWN, "None has arrived yet.", remedy, url)]
    return [Check("Webhooks", OK, f"The last one arrived {_ago(last)}.", url=url)]


def _reconciliation() -> list[Check]:
    last = ReconciliationRun.objects.order_by("-finished_at").first()
    remedy = "Run: python manage.py reconcile_ledger"
    if last is None:
        return [Check("Ledger", UNKNOWN, "It has not been checked yet. The worker does so every night.", remedy)]
    if last.faults:
        detail = f"{_many(last.faults, 'fault')} found {_ago(last.finished_at)}."
        return [Check("Ledger", FAILING, detail, f"{remedy}. It names every row that disagrees.")]
    if last.finished_at < utc_now() - RECONCILED_WITHIN:
        return [Check("Ledger", FAILING, f"It was last checked {_ago(last.finished_at)}.", "Is celery beat running?")]
    return [Check("Ledger", OK, f"It added up {_ago(last.finished_at)}.")]


def _mail() -> list[Check]:
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
        return [Check("Email", FAILING, f"{_many(stuck, 'email')} could not be delivered.", test, url)]
    return [Check("Email", OK, f"{settings.EMAIL_HOST}:{settings.EMAIL_PORT} answers.", test)]


CHECKS: tuple[tuple[str, Callable[[], list[Check]]], ...] = (
    ("Database", _database),
    ("Redis", _redis),
    ("Web processes", _web),
    ("Worker", _worker),
    ("Catalog", _catalog),
    ("Providers", _providers),
    ("Providers", _provider_health),
    ("Provider keys", _provider_keys),
    ("Customers' provider keys", _own_provider_keys),
    ("Payments", _payments),
    ("Webhooks", _webhooks),
    ("Ledger", _reconciliation),
    ("Email", _mail),
)


# --- Words --------------------------------------------------------------------------------------------


def _many(count: int, one: str, many: str = "") -> str:
    return f"{count:,} {one if count == 1 else many or f'{one}s'}"


def _ago(moment: datetime) -> str:
    minutes = max(0, int((utc_now() - moment).total_seconds() // 60))
    if minutes < 2:
        return "just now"
    if minutes < 120:
        return f"{minutes} minutes ago"
    return f"{minutes // 60} hours ago" if minutes < 48 * 60 else f"{minutes // 1440} days ago"
