"""Incidents: what is wrong now, and the two emails about each, to OPERATOR_EMAILS.

An incident is a row, so any process may report a fault and one email results. An email that the mail server refuses is
tried again. Without OPERATOR_EMAILS the log and `/metrics` still report incidents.
"""

import logging
from collections.abc import Mapping
from datetime import timedelta

from django.conf import settings
from django.db.models import F, Q
from django.utils import dateformat

from common.clock import utc_now
from common.email import mail
from operations.health import queues
from operations.models import Incident

__all__ = ["KINDS", "deliver", "report"]

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
    "provider": (
        "Provider {subject} is down",
        "Requests go to other providers where there are any. Check its status page, your account there and its key.",
    ),
}

#: Delay before the next try, by the number of tries; the last one repeats.
RETRY_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 15, 60))


def report(kind: str, findings: Mapping[str, str | None]) -> None:
    """Open or close incidents. `findings` maps a subject to its fault, or to None if it works.

    Subjects that are not named stay as they are: nothing is known about them.
    """
    for subject, detail in findings.items():
        known = Incident.objects.filter(kind=kind, subject=subject, closed_at=None)
        if detail is None:
            if known.update(closed_at=utc_now(), due_at=utc_now(), tries=0):
                log.warning("incident over: %s", _title(kind, subject))
        elif not known.exists():
            now = utc_now()
            incident = Incident(kind=kind, subject=subject, detail=detail, opened_at=now, due_at=now)
            Incident.objects.bulk_create([incident], ignore_conflicts=True)  # another process may have been first
            log.error("incident: %s: %s", _title(kind, subject), detail.partition("\n")[0])


def deliver() -> None:
    """Send the emails that are due. Safe to call from several processes at the same time."""
    unsent = Q(opened_mail_at=None) | Q(closed_at__isnull=False, closed_mail_at=None)
    for incident in Incident.objects.filter(unsent, due_at__lte=utc_now()).order_by("opened_at"):
        delay = RETRY_DELAYS[min(incident.tries, len(RETRY_DELAYS) - 1)]
        claim = Incident.objects.filter(pk=incident.pk, due_at=incident.due_at, tries=incident.tries)
        if not claim.update(due_at=utc_now() + delay, tries=F("tries") + 1):
            continue
        try:
            _send_unsent(incident)
        except Exception as error:  # a mail backend may raise anything
            log.warning("email about an incident not sent, next try in %s: %s", delay, type(error).__name__)


def _send_unsent(incident: Incident) -> None:
    title, remedy = (text.format(subject=incident.subject) for text in KINDS[incident.kind])
    began = f"Since {_time(incident.opened_at)}."
    if incident.opened_mail_at is None:
        _send(incident, title, f"{incident.detail}\n\n{began}\n\n{remedy}\n\n{settings.SITE_URL}/admin/", "opened")
    if incident.closed_at is not None and incident.closed_mail_at is None:
        ended = f"Over since {_time(incident.closed_at)}."
        _send(incident, f"Resolved: {title}", f"{ended} It began at {_time(incident.opened_at)}.", "closed")


def _send(incident: Incident, subject: str, text: str, moment: str) -> None:
    """Send one email to each operator, then note that it is sent."""
    for number, address in enumerate(settings.OPERATOR_EMAILS):
        message_id = f"incident-{incident.pk}-{moment}-{number}"
        body = f"{text}\n\n--\n{settings.SITE_NAME}\n{settings.SITE_URL}\n"
        mail.build(f"{settings.SITE_NAME}: {subject}", body, [address], message_id=message_id).send()
    Incident.objects.filter(pk=incident.pk).update(**{f"{moment}_mail_at": utc_now()})


def _title(kind: str, subject: str) -> str:
    return KINDS[kind][0].format(subject=subject)


def _time(moment: object) -> str:
    return dateformat.format(moment, "j F Y, H:i") + " UTC"  # type: ignore[arg-type]
