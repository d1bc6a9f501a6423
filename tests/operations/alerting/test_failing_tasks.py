"""A task of the clock that keeps failing is an incident."""

import errno
from unittest.mock import patch

import pytest
from django.core import mail

from common.telemetry.jobs import JobFailed
from openrouter_site.celery import app
from operations import tasks
from operations.alerting import watching
from operations.models import FailingTask
from tests.operations.alerting.noticing import look, subjects
from tests.operations.heartbeats import beat_hearts

pytestmark = pytest.mark.django_db

NIGHTLY, FREQUENT = "gateway.tasks.drop_old_requests", "billing.tasks.deliver_notices"


def run(name: str, error: Exception | None = None) -> None:
    """Let the clock's task run, and succeed or fail with the error."""
    app.loader.import_default_modules()
    task = app.tasks[name]
    with patch.object(type(task), "run", side_effect=error):
        task.apply()


def test_a_nightly_task_that_fails_is_told_the_same_night(clock):
    run(NIGHTLY, OSError(errno.ENOSPC, "No space left on device", "/exports/secret"))
    tasks.watch()
    assert subjects() == []
    clock.advance(minutes=5)
    tasks.watch()
    tasks.watch()
    body = mail.outbox[0].body
    assert "has not succeeded since: OSError: No space left on device\n" in body and "/exports" not in body
    assert subjects() == [f"The task {NIGHTLY} fails"]
    clock.advance(days=1)
    run(NIGHTLY, OSError("again"))
    tasks.watch()
    assert subjects() == []
    run(NIGHTLY)
    clock.advance(minutes=1)
    for _ in range(2):
        tasks.watch()
        clock.advance(minutes=1)
    assert subjects() == [f"Resolved: The task {NIGHTLY} fails"]


def test_a_task_of_every_minute_is_told_when_it_keeps_failing(clock):
    run(FREQUENT, ValueError("password"))
    clock.advance(minutes=10)
    tasks.watch()
    assert subjects() == []  # one run of many
    run(FREQUENT)
    for _ in range(2):
        run(FREQUENT, ValueError("password"))
    tasks.watch()
    assert subjects() == []  # not for long
    clock.advance(minutes=5)
    run(FREQUENT, JobFailed("account 7 was not told"))
    tasks.watch()
    assert "since: account 7 was not told\n" in mail.outbox[0].body
    assert subjects() == [f"The task {FREQUENT} fails"]


def test_tasks_that_fail_together_are_one_email(clock):
    for name in (FREQUENT, NIGHTLY):
        for _ in range(2):
            run(name, ValueError("password"))
    clock.advance(minutes=5)
    tasks.watch()
    assert "password" not in mail.outbox[0].body and "since: ValueError" in mail.outbox[0].body
    assert subjects() == [f"The tasks {FREQUENT}, {NIGHTLY} fail"]


def test_what_is_not_of_the_clock_is_no_incident(clock, settings):
    run("accounts.tasks.finish_deletion", ValueError("x"))
    run("operations.tasks.beat_heart", ValueError("x"))  # a silent queue tells
    assert not FailingTask.objects.exists()
    run(NIGHTLY, ValueError("x"))
    clock.advance(minutes=5)
    tasks.watch()
    assert subjects() == [f"The task {NIGHTLY} fails"]
    schedule = settings.CELERY_BEAT_SCHEDULE
    settings.CELERY_BEAT_SCHEDULE = {key: entry for key, entry in schedule.items() if entry["task"] != NIGHTLY}
    clock.advance(minutes=1)
    for _ in range(2):
        tasks.watch()
        clock.advance(minutes=1)
    assert subjects() == [f"Resolved: The task {NIGHTLY} fails"]


def test_a_failing_watch_is_noticed_by_the_web_process(clock, transactional_db):
    for _ in range(2):
        run("operations.tasks.watch", ValueError("x"))
    watch = watching.Watch()
    clock.advance(minutes=5)
    beat_hearts()
    look(watch, clock)
    assert subjects() == ["The task operations.tasks.watch fails"]
