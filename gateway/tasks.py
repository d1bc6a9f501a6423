"""Periodic tasks of the gateway."""

from celery import shared_task

from gateway.accounting.reaper import reap


@shared_task(ignore_result=True)
def reap_dead_requests() -> None:
    """Release the holds of requests whose process has died. Runs every 30 seconds."""
    reap()
