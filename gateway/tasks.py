"""What the clock does for the gateway."""

from celery import shared_task

from gateway.accounting.reaper import reap


@shared_task(ignore_result=True)
def reap_dead_requests() -> None:
    """Every half minute: give back the holds of requests whose process has died."""
    reap()
