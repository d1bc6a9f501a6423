"""Periodic tasks of the gateway."""

from celery import shared_task

from gateway.accounting import partitions, retention
from gateway.accounting.reaper import reap
from gateway.accounting.rollups import roll_up
from gateway.content import stored
from gateway.providers import listed_models
from gateway.routing import health_days


@shared_task(ignore_result=True)
def reap_dead_requests() -> None:
    """Release the holds of requests whose process has died. Runs every 30 seconds."""
    reap()


@shared_task(ignore_result=True)
def compare_listed_models() -> None:
    """Stop offering models that their providers no longer list. Runs every hour."""
    listed_models.compare()


@shared_task(ignore_result=True)
def roll_up_usage() -> None:
    """Add up hours of usage by day and month. Runs every minute; what is left waits for the next run."""
    roll_up(most=1000)


@shared_task(ignore_result=True)
def make_partitions() -> None:
    """Make the partitions of the coming months. Runs every hour; most runs find them there."""
    partitions.make_ahead()


@shared_task(ignore_result=True)
def drop_old_requests() -> None:
    """Drop requests that are older than KEEP_REQUESTS_MONTHS. Runs every day."""
    retention.drop_old()


@shared_task(ignore_result=True)
def delete_old_contents() -> None:
    """Delete stored prompts and responses that are older than LOGGING_KEEP_DAYS. Runs every day."""
    stored.delete_old()


@shared_task(ignore_result=True)
def count_endpoint_hours() -> None:
    """Add the hours of endpoints that are over to their days. Runs every ten minutes; most runs find nothing."""
    health_days.count_hours()
