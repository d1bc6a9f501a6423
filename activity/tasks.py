"""Celery tasks of activity. `CELERY_BEAT_SCHEDULE` in the settings schedules them."""

from celery import shared_task

from activity.reports import summaries


@shared_task
def write_summaries() -> None:
    """Every ten minutes: write the weekly and monthly summaries whose period is over."""
    summaries.write_due()
