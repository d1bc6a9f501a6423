"""Periodic tasks of operations."""

from celery import shared_task
from django.conf import settings

from billing.payments import sweeps
from common.clock import utc_now
from operations.models import Heartbeat, Incident

from .alerting import watching


@shared_task
def beat_heart(queue: str = settings.CELERY_TASK_DEFAULT_QUEUE) -> None:
    """Every 30 seconds through each queue: show that beat, broker, a worker of the queue and database work together."""
    Heartbeat.objects.update_or_create(name=queue, defaults={"seen_at": utc_now()})


@shared_task
def watch() -> None:
    """Every minute: tell operators what is wrong, and what is over."""
    watching.watch_all()


@shared_task
def recheck_ledger() -> None:
    """Every hour while the ledger does not add up: see whether it does again."""
    if Incident.objects.filter(kind="ledger", closed_at=None).exists():
        sweeps.reconcile()
