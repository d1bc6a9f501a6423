"""Periodic tasks of operations."""

from celery import shared_task

from billing.payments import sweeps
from common.clock import utc_now
from operations.models import Heartbeat, Incident

from . import watching


@shared_task
def beat_heart() -> None:
    """Every 30 seconds: show that beat, the broker, a worker and the database work together."""
    Heartbeat.objects.update_or_create(name=Heartbeat.WORKER, defaults={"seen_at": utc_now()})


@shared_task
def watch() -> None:
    """Every minute: tell operators what is wrong, and what is over."""
    watching.watch_all()


@shared_task
def recheck_ledger() -> None:
    """Every hour while the ledger does not add up: see whether it does again."""
    if Incident.objects.filter(kind="ledger", closed_at=None).exists():
        sweeps.reconcile()
