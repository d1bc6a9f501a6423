"""Celery tasks of broadcast. `CELERY_BEAT_SCHEDULE` in the settings schedules the periodic one."""

from celery import shared_task

from .delivery import delivering

#: Seconds after which a waiting task is dropped: the clock has sent another one by then.
EXPIRES = 60


@shared_task(ignore_result=True)
def deliver_due() -> None:
    """Every 15 seconds: start a task for each destination that is due, so that a slow server keeps no other waiting."""
    for destination_id in delivering.due():
        deliver.apply_async((destination_id,), expires=EXPIRES)


@shared_task(ignore_result=True)
def deliver(destination_id: int) -> None:
    """Send what one destination is due."""
    delivering.deliver(destination_id)
