"""Fixtures of alerts: a clock that stands, and a worker that sends at once."""

from datetime import UTC, datetime

import pytest
from django.core import mail

from billing.notifications import outbox

NOON = datetime(2026, 11, 11, 12, tzinfo=UTC)  # a Wednesday


@pytest.fixture(autouse=True)
def _noon(clock) -> None:
    clock.set(NOON)


@pytest.fixture
def emails_of(monkeypatch, django_capture_on_commit_callbacks):
    """Return a function that runs a task of the clock and returns the emails that it caused."""
    monkeypatch.setattr(outbox, "wake_worker", outbox.deliver)

    def run(task) -> list:
        before = len(mail.outbox)
        with django_capture_on_commit_callbacks(execute=True):
            task()
        return mail.outbox[before:]

    return run
