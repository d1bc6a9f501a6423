"""Incidents: what is wrong now, and the two emails about each, to OPERATOR_EMAILS.

An incident is a row, so any process may report a fault and one email results. Silent queues share an email: one worker
may have taken them all. So do failing tasks, which may have one cause. An email that the mail server refuses is tried
again. Without OPERATOR_EMAILS the log and `/metrics` still report incidents.
"""

import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import dateformat

from common.clock import utc_now
from common.email import mail
from operations.health import queues
from operations.models import Incident

__all__ = ["KINDS", "anchor_of", "deliver", "report", "steps"]

log = logging.getLogger(__name__)

#: By kind: the fault, as a subject line with the part it is about, and the remedy.
KINDS = {
    "ledger": (
        "The ledger does not add up",
        "Run `manage.py reconcile_ledger` for all rows. Don't correct any by hand before you know the cause.",
    ),
    "webhooks": (
        "No webhooks from {subject} for a day",
        "Purchases are still credited, by polling, but later. Check the webhook endpoint in the provider's dashboard: "
        "its address, its secret and the deliveries that failed.",
    ),
    "worker": (
        "The worker is silent",
        "Emails, refunds and auto top-ups wait, and so do holds of dead processes. Check that `celery worker` and "
        "exactly one `celery beat` run, and that they reach Redis and PostgreSQL.",
    ),
    "queue": (
        "No worker takes the queue {subject}",
        "Its tasks wait until one does. Start a worker for it, with others or alone:\n\n"
        f"    {queues.worker_command(['{subject}'])}\n\n"
        "If one runs, it is stuck or too slow: restart it, or start another one.",
    ),
    "task": (
        "The task {subject} fails",
        "It is tried again at its next time. The worker's log has the error and its place, at the name of the task.",
    ),
    "provider": (
        "Provider {subject} is down",
        "Requests go to other providers where there are any. Check its status page, your account there and its key.",
    ),
}
#: The kinds of which one email tells all incidents of the moment: the fault and the remedy when there are several.
_TOGETHER = {
    "queue": (
        "No worker takes the queues {subject}",
        "Their tasks wait until one does. Start a worker for all of them:\n\n"
        f"    {queues.worker_command(['{command}'])}\n\n"
        "If one runs, it is stuck or too slow: restart it, or start another one.",
    ),
    "task": (
        "The tasks {subject} fail",
        "They are tried again at their next times. The worker's log has the errors and their places, at their names.",
    ),
}

#: Their end is told a little later: heartbeats that waited in several queues are not done in the same moment.
_ENDS_TOGETHER = timedelta(minutes=1)

#: The page for operators, in the repository, with a section for each kind.
_PAGE = "docs/operations/incidents.md"
#: Delay before the next try, by the number of tries; the last one repeats.
RETRY_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 60))


@transaction.atomic
def report(kind: str, findings: Mapping[str, str | None]) -> None:
    """Open or close incidents. `findings` maps a subject to its fault, or to None if it works.

    Subjects that are not named stay as they are: nothing is known about them. All changes are seen at once, by the
    process that sends the emails as well.
    """
    now, opened = utc_now(), []
    for subject, detail in sorted(findings.items()):  # in one order: processes that report at once don't block another
        known = Incident.objects.filter(kind=kind, subject=subject, closed_at=None)
        if detail is None:
            due_at = now + _ENDS_TOGETHER if kind in _TOGETHER else now
            if known.update(closed_at=now, due_at=due_at, tries=0):
                log.warning("incident over: %s", _title(kind, [subject]))
        elif not known.exists():
            opened.append(Incident(kind=kind, subject=subject, detail=detail, opened_at=now, due_at=now))
            log.error("incident: %s: %s", _title(kind, [subject]), detail.partition("\n")[0])
    Incident.objects.bulk_create(opened, ignore_conflicts=True)  # another process may have been first


def deliver() -> None:
    """Send the emails that are due. Safe to call from several processes at the same time."""
    for incidents in _claimed():
        try:
            _send_unsent(incidents)
        except Exception as error:  # a mail backend may raise anything
            log.warning("email about an incident not sent, it is tried again: %s", type(error).__name__)


def _claimed() -> Iterator[list[Incident]]:
    """Yield the incidents of each email that is due, and give each email to one process until its next try."""
    unsent = Q(opened_mail_at=None) | Q(closed_at__isnull=False, closed_mail_at=None)
    due = Incident.objects.filter(unsent, due_at__lte=utc_now())
    emails: dict[tuple[str, str], list[int]] = {}
    for pk, kind, subject in due.order_by("opened_at", "subject").values_list("pk", "kind", "subject"):
        emails.setdefault((kind, "" if kind in _TOGETHER else subject), []).append(pk)
    for pks in emails.values():
        with transaction.atomic():
            claimed = [*due.select_for_update().filter(pk__in=pks).order_by("pk")]
            for incident in claimed:
                delay = RETRY_DELAYS[min(incident.tries, len(RETRY_DELAYS) - 1)]
                Incident.objects.filter(pk=incident.pk).update(due_at=utc_now() + delay, tries=F("tries") + 1)
        if claimed:
            yield claimed


def _send_unsent(incidents: Sequence[Incident]) -> None:
    """Send the emails that these incidents of one kind lack: that they began, that they are over."""
    if opened := [each for each in incidents if each.opened_mail_at is None]:
        listed = _with_others(opened)
        subject, remedy = _title(listed[0].kind, _subjects(listed)), _remedy(listed[0].kind, _subjects(listed))
        _send(listed, subject, f"{_faults(listed)}\n\n{remedy}\n\n{steps(listed[0].kind)}", "opened")
    if closed := [each for each in incidents if each.closed_at is not None and each.closed_mail_at is None]:
        closed += _ended_since(closed)
        began, ended = min(each.opened_at for each in closed), max(filter(None, (each.closed_at for each in closed)))
        others = [each for each in _with_others(closed) if each.closed_at is None]
        rest = f"\n\n{_title(closed[0].kind, _subjects(others))}: not over yet." if others else ""
        text = f"Over since {_time(ended)}. It began at {_time(began)}.{rest}"
        _send(closed, f"Resolved: {_title(closed[0].kind, _subjects(closed))}", text, "closed")


def _with_others(incidents: Sequence[Incident]) -> list[Incident]:
    """Return the incidents, and the open ones that share their emails, by subject."""
    kind, pks = incidents[0].kind, [each.pk for each in incidents]
    if kind not in _TOGETHER:
        return [*incidents]
    others = Incident.objects.filter(kind=kind, closed_at=None).exclude(pk__in=pks)
    return sorted([*incidents, *others], key=lambda each: each.subject)


def _ended_since(incidents: Sequence[Incident]) -> list[Incident]:
    """Return the incidents that share the email about the end of these, and are not in another one yet."""
    kind, pks = incidents[0].kind, [each.pk for each in incidents]
    if kind not in _TOGETHER:
        return []
    untold = Incident.objects.filter(kind=kind, closed_at__isnull=False, closed_mail_at=None, tries=0)
    return [*untold.exclude(opened_mail_at=None).exclude(pk__in=pks)]


def _faults(incidents: Sequence[Incident]) -> str:
    if len(incidents) == 1:
        return f"{incidents[0].detail}\n\nSince {_time(incidents[0].opened_at)}."
    return "\n".join(f"- {each.subject}, since {_time(each.opened_at)}. {each.detail}" for each in incidents)


def _send(incidents: Sequence[Incident], subject: str, text: str, moment: str) -> None:
    """Send one email to each operator, then note that these incidents are told."""
    newest = max(each.pk for each in incidents)
    for number, address in enumerate(settings.OPERATOR_EMAILS):
        message_id = f"incident-{newest}-{moment}-{number}"
        body = f"{text}\n\n--\n{settings.SITE_NAME}\n{settings.SITE_URL}\n"
        mail.build(f"{settings.SITE_NAME}: {subject}", body, [address], message_id=message_id).send()
    told = Incident.objects.filter(**{"pk__in": [each.pk for each in incidents], f"{moment}_mail_at": None})
    told.update(**{f"{moment}_mail_at": utc_now()})


def _subjects(incidents: Sequence[Incident]) -> list[str]:
    return sorted({each.subject for each in incidents})


def _title(kind: str, subjects: Sequence[str]) -> str:
    title = KINDS[kind][0] if len(subjects) == 1 else _TOGETHER[kind][0]
    return title.format(subject=", ".join(subjects))


def _remedy(kind: str, subjects: Sequence[str]) -> str:
    remedy = KINDS[kind][1] if len(subjects) == 1 else _TOGETHER[kind][1]
    return remedy.format(subject=", ".join(subjects), command=",".join(subjects))


def steps(kind: str) -> str:
    """Return where the operators' pages have the steps, and the address of the admin."""
    title = KINDS[kind][0].format(subject="…")
    source = f"{settings.REPOSITORY_URL}/blob/main/" if settings.REPOSITORY_URL else ""
    return f"Steps: {source}{_PAGE}#{anchor_of(title)}\n\n{settings.SITE_URL}/admin/"


def anchor_of(heading: str) -> str:
    """Return the fragment that leads to a heading of a Markdown page, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _time(moment: object) -> str:
    return dateformat.format(moment, "j F Y, H:i") + " UTC"  # type: ignore[arg-type]
