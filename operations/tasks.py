"""Periodic tasks of operations."""

from celery import shared_task

from common.clock import utc_now
from operations.models import Heartbeat


@shared_task
def beat_heart() -> None:
    """Every 30 seconds: show that beat, the broker, a worker and the database work together."""
    Heartbeat.objects.update_or_create(name=Heartbeat.WORKER, defaults={"seen_at": utc_now()})
