"""Jobs that go on after a failure, and report it at their end."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["JobFailed", "Parts"]


class JobFailed(Exception):
    """A job has not done all of its work. Operators read its text, which has no secret."""


class Parts:
    """The parts of a job, of which one that fails keeps none of the others from being done."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._failures: list[str] = []

    @contextmanager
    def part(self, failure: str, *args: object) -> Iterator[None]:
        """Do one part. If it raises an exception, log that with this message, and go on."""
        try:
            yield
        except Exception:
            self._log.exception(failure, *args)
            self._failures.append(failure % args)

    def fail(self, failure: str, *args: object) -> None:
        """Log the message: a part has failed in a way that needs no traceback."""
        self._log.warning(failure, *args)
        self._failures.append(failure % args)

    def end(self) -> None:
        """Raise JobFailed if a part has failed."""
        if self._failures:
            number = len(self._failures)
            raise JobFailed(self._failures[0] if number == 1 else f"{number} failures, the first: {self._failures[0]}")
