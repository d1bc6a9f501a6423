"""Fixtures of tests of people and organizations."""

from collections.abc import Iterator

import pytest
from celery import current_app


@pytest.fixture
def prompt_worker() -> Iterator[None]:
    """Run Celery's tasks where they are started, in place of a worker."""
    before, current_app.conf.task_always_eager = current_app.conf.task_always_eager, True
    yield
    current_app.conf.task_always_eager = before
