"""Celery tasks of activity. `CELERY_BEAT_SCHEDULE` in the settings schedules them."""

from celery import shared_task

from activity.alerts import deprecations, limits
from activity.rankings import contexts, counting, standings, titles
from activity.reports import summaries


@shared_task
def write_summaries() -> None:
    """Every ten minutes: write the weekly and monthly summaries whose period is over."""
    summaries.write_due()


@shared_task
def alert_limits() -> None:
    """Every minute: tell of spend limits that are nearly or wholly used."""
    limits.alert_all()


@shared_task
def alert_deprecations() -> None:
    """Every day: tell of models that retire soon."""
    deprecations.alert_all()


@shared_task(ignore_result=True)
def count_rankings() -> None:
    """Every minute: add up the day's tokens for the public rankings, compute the ranks, read the titles of apps.

    Days that are over are divided by prompt length once.
    """
    counted = counting.count_due()
    standings.compute(changed=counted.changed)
    titles.read_titles(counted.seen)
    contexts.count_due()
