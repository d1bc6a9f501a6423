"""The faults that a running site can have. Each check returns findings for `incidents.report`."""

from datetime import datetime, timedelta

from django.db.models import Max, Sum

from billing.credits.reconciliation import Fault
from billing.models import ProviderEvent, Purchase
from common.clock import utc_now
from gateway.models import EndpointMinute
from operations.health import periodic_tasks
from operations.health import queues as heartbeats
from operations.models import Incident

__all__ = ["ledger", "providers", "queues", "tasks", "webhooks", "worker"]

Findings = dict[str, str | None]

#: A purchase should be followed by a webhook of its provider within...
WEBHOOK_WINDOW = timedelta(days=1)
#: ...though one that was just made may still wait for it.
WEBHOOK_GRACE = timedelta(hours=1)
#: Workers that have been silent for this long are an incident; so is a queue that is so far behind the others.
WORKER_SILENT_AFTER = timedelta(minutes=5)
#: A provider is down when in this window every attempt failed...
PROVIDER_WINDOW = timedelta(minutes=5)
#: ...and there were at least so many.
PROVIDER_MIN_FAILURES = 5
#: A task whose runs have failed for this long is an incident, if they were at least so many or it runs seldom.
TASK_FAILING_AFTER, TASK_MIN_FAILURES = timedelta(minutes=5), 2
#: Faults of the ledger that an email lists.
LISTED_FAULTS = 20


def ledger(faults: list[Fault]) -> Findings:
    """The result of a reconciliation."""
    if not faults:
        return {"": None}
    listed = [f"- {fault}" for fault in faults[:LISTED_FAULTS]]
    more = [f"... and {len(faults) - LISTED_FAULTS} more"] if len(faults) > LISTED_FAULTS else []
    return {"": "\n".join([f"{len(faults)} rows don't add up:", *listed, *more])}


def webhooks() -> Findings:
    """Payment providers that confirmed purchases when asked, but sent no event for a day."""
    now = utc_now()
    credited = Purchase.objects.filter(
        credited_at__gte=now - WEBHOOK_WINDOW, credited_at__lt=now - WEBHOOK_GRACE
    ).values_list("provider", flat=True)
    heard = ProviderEvent.objects.filter(received_at__gte=now - WEBHOOK_WINDOW).values_list("provider", flat=True)
    findings: Findings = dict.fromkeys(heard.distinct())
    for provider in set(credited.distinct()) - findings.keys():
        last = ProviderEvent.objects.filter(provider=provider).aggregate(at=Max("received_at"))["at"]
        heard_last = f"The last one came on {last:%d %B %Y, %H:%M} UTC." if last else "None has ever come."
        findings[provider] = f"Purchases were paid in the last day, but no webhook arrived. {heard_last}"
    return findings


def worker(watched_since: datetime) -> Findings:
    """Whether beat, the broker and any worker work together.

    Silence before `watched_since` doesn't count, here and in `queues`: the whole site may have been stopped.
    """
    return _silence({"": _latest(heartbeats.last_seen())}, utc_now(), watched_since)


def queues(watched_since: datetime) -> Findings:
    """The queues that no worker takes while others are taken, by name. If none is, `worker` says so.

    With one that is found now come those that fell silent a little later, maybe with the same worker: they belong in
    the same email. A queue that is no longer in the settings needs no worker any more.
    """
    seen = heartbeats.last_seen()
    latest, known = _latest(seen), _open("queue")
    findings: Findings = dict.fromkeys(known.difference(seen))
    if latest:
        silence = _silence(seen, latest, watched_since)
        if any(detail for name, detail in silence.items() if name not in known):
            silence = _silence(seen, latest, watched_since, heartbeats.SILENT_AFTER)
        findings |= silence
    return findings


def tasks() -> Findings:
    """The tasks of the clock that fail again and again, by name. One that has succeeded since is over."""
    found = {task.name: task for task in periodic_tasks.failing()}
    findings: Findings = dict.fromkeys(_open("task").difference(found))
    for name, task in found.items():
        is_repeated = task.failures >= TASK_MIN_FAILURES or periodic_tasks.runs_seldom(name)
        if is_repeated and task.since <= utc_now() - TASK_FAILING_AFTER:
            findings[name] = (
                f"It failed on {task.since:%d %B %Y at %H:%M} UTC, and has not succeeded since: {task.error}"
            )
    return findings


def _open(kind: str) -> set[str]:
    """Return the subjects of the open incidents of a kind."""
    return {*Incident.objects.filter(kind=kind, closed_at=None).values_list("subject", flat=True)}


def _latest(seen: dict[str, datetime | None]) -> datetime | None:
    return max(filter(None, seen.values()), default=None)


def _silence(
    seen: dict[str, datetime | None], until: datetime, watched_since: datetime, after: timedelta = WORKER_SILENT_AFTER
) -> Findings:
    """Return a fault for each that was silent for so long at that moment, and None for each that was heard lately.

    Those in between are left out: they are neither a fault yet, nor heard again.
    """
    findings: Findings = {}
    for name, moment in seen.items():
        if moment and until - moment < heartbeats.SILENT_AFTER:
            findings[name] = None
        elif until - max(moment or watched_since, watched_since) >= after:
            last = f"on {moment:%d %B %Y at %H:%M} UTC" if moment else "never"
            findings[name] = f"Last heartbeat: {last}."
    return findings


def providers() -> Findings:
    """Providers of which every attempt in the last minutes failed, by slug. Rate limits and prompts are no failures."""
    since = utc_now() - PROVIDER_WINDOW
    counts: dict[str, list[int]] = {}
    rows = EndpointMinute.objects.filter(minute__gte=since).values("tag").annotate(ok=Sum("ok"), errors=Sum("errors"))
    for row in rows.order_by():
        provider = counts.setdefault(row["tag"].partition("/")[0], [0, 0])  # a tag begins with its provider
        provider[0] += row["ok"]
        provider[1] += row["errors"]
    findings: Findings = {}
    for name, (ok, errors) in counts.items():
        if not ok and errors >= PROVIDER_MIN_FAILURES:
            minutes = int(PROVIDER_WINDOW.total_seconds() // 60)
            findings[name] = f"All {errors} attempts of the last {minutes} minutes failed."
        elif ok > errors:
            findings[name] = None
    return findings
