"""The Celery application: finds each app's `tasks.py`; the schedule is `CELERY_BEAT_SCHEDULE` in the settings."""

import contextlib
import logging
import os
from typing import Any

from celery import Celery, Task, signals
from celery.app.amqp import AMQP
from kombu import Connection
from kombu.transport.base import StdChannel

from common.telemetry import logs
from operations.health.worker_life import SignsOfLife

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "openrouter_site.settings")


class BrokerConnection(Connection):
    """A connection that can be closed once Redis has gone away.

    Closing a channel gives the messages back that were not acknowledged. kombu looks for the server's address to do so,
    has none left, and its AttributeError would end the worker. Redis has the messages and hands them out again.
    """

    def maybe_close_channel(self, channel: StdChannel | None) -> None:
        """Close a channel; errors of a connection that is lost are ignored."""
        with contextlib.suppress(AttributeError):
            super().maybe_close_channel(channel)


class Messaging(AMQP):
    """Celery's messages, over connections that survive an outage."""

    Connection = BrokerConnection


app = Celery("openrouter_site", amqp=Messaging)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.steps["consumer"].add(SignsOfLife)


@signals.setup_logging.connect
def keep_logging(loglevel: int, **_: Any) -> None:
    """Leave logging as LOGGING sets it up; `--loglevel` is the level of Celery's own lines.

    With a receiver of this signal, Celery neither adds handlers nor changes the level of every logger.
    """
    logging.getLogger("celery").setLevel(loglevel)


@signals.before_task_publish.connect
def name_the_request(headers: dict[str, Any], **_: Any) -> None:
    """Send the ID of the request that starts a task with it."""
    if request_id := logs.request_id():
        headers["request_id"] = request_id


@signals.task_prerun.connect
def begin_task(task_id: str, task: "Task[Any, Any]", **_: Any) -> None:
    """Put the task's name and ID into its log lines, and the ID of the request that started it."""
    request_id = getattr(task.request, "request_id", None)
    logs.begin(task=task.name, task_id=task_id, **({"request_id": request_id} if request_id else {}))


@signals.task_postrun.connect
def end_task(**_: Any) -> None:
    """Take them out again."""
    logs.begin()


@signals.worker_init.connect
def check_the_database(**_: Any) -> None:
    """End the worker with status 1 and the remedy if migrations are pending."""
    from openrouter_site.serving.startup import refuse_pending_migrations  # Django is set up by now

    from .env import SettingsError

    try:
        refuse_pending_migrations()
    except SettingsError as refused:
        raise SystemExit(str(refused)) from None  # Celery would log any other exception, and go on
