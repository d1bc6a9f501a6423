"""The tasks of the clock whose last run has failed, in a row for each. The next run that succeeds deletes it."""

import logging
from typing import Any

from billiard.exceptions import WorkerLostError
from celery import signals
from celery.schedules import crontab
from django.conf import settings
from django.db import Error, connection
from django.db.models import F

from common.clock import utc_now
from common.storage import database
from common.telemetry.jobs import JobFailed
from operations.models import FailingTask

__all__ = ["connect_signals", "failing", "names", "runs_seldom"]

log = logging.getLogger(__name__)

#: Tells of itself: what no worker does is a silent queue.
_HEARTBEAT = "operations.tasks.beat_heart"
#: Times a day at which a task is run seldom.
_SELDOM = 2


def connect_signals() -> None:
    """Keep what Celery says of each run."""
    signals.task_failure.connect(_on_failure, dispatch_uid="operations.task-failure")
    signals.task_success.connect(_on_success, dispatch_uid="operations.task-success")


def names() -> list[str]:
    """Return the names of the tasks that the clock starts, in order."""
    return sorted({entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()} - {_HEARTBEAT})


def runs_seldom(name: str) -> bool:
    """Whether the clock starts a task only once or twice a day."""
    schedules = [entry["schedule"] for entry in settings.CELERY_BEAT_SCHEDULE.values() if entry["task"] == name]
    return all(isinstance(each, crontab) and _times_a_day(each) <= _SELDOM for each in schedules)


def _times_a_day(schedule: Any) -> int:
    return len(schedule.hour) * len(schedule.minute)


def failing() -> list[FailingTask]:
    """Return the tasks of the clock whose last run has failed, by name."""
    return [*FailingTask.objects.filter(name__in=names()).order_by("name")]


def _on_failure(sender: Any, exception: BaseException, **_: Any) -> None:
    if sender.name not in names():
        return
    try:
        _record(sender.name, _text(exception))
    except Error as error:
        log.warning("a failure of %s was not recorded: %s", sender.name, type(error).__name__)
    if isinstance(exception, WorkerLostError):  # in the worker's main process, which forks others
        connection.close()
        database.close_pool()


def _on_success(sender: Any, **_: Any) -> None:
    if sender.name in names():
        FailingTask.objects.filter(name=sender.name).delete()


def _record(name: str, error: str) -> None:
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()  # the task may have failed because of it
    if not FailingTask.objects.filter(name=name).update(failures=F("failures") + 1, error=error):
        row = FailingTask(name=name, failures=1, error=error, since=utc_now())
        FailingTask.objects.bulk_create([row], ignore_conflicts=True)


def _text(error: BaseException) -> str:
    """Return an error as operators read it. The texts of others may have a secret: the log has them."""
    if isinstance(error, JobFailed):
        text = str(error)
    elif isinstance(error, OSError) and error.strerror:
        text = f"{type(error).__name__}: {error.strerror}"
    else:
        text = type(error).__name__
    return text[: FailingTask.MAX_ERROR]
