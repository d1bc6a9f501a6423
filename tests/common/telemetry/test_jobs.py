"""Jobs go on after a failure, and report it at their end."""

import logging

import pytest

from common.telemetry.jobs import JobFailed, Parts

log = logging.getLogger("tests.jobs")


def test_a_job_goes_on_after_a_failure_and_fails_at_its_end(caplog):
    parts, done = Parts(log), []
    for number in (1, 0, 2):
        with parts.part("part %s was not done", number):
            done.append(2 // number)
    assert done == [2, 1]
    assert "ZeroDivisionError" in caplog.text and "part 0 was not done" in caplog.text
    with pytest.raises(JobFailed, match=r"^part 0 was not done$"):
        parts.end()
    parts.fail("%s is away", "the bank")
    with pytest.raises(JobFailed, match=r"^2 failures, the first: part 0 was not done$"):
        parts.end()


def test_a_job_without_a_failure_ends_quietly():
    parts = Parts(log)
    with parts.part("part"):
        pass
    parts.end()
