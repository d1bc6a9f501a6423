"""A process that dies between two SQL statements."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

__all__ = ["Died", "dying"]


class Died(BaseException):
    """The process has died. As a BaseException it is not caught by the code under test."""


@contextmanager
def dying(after: int) -> Iterator[None]:
    """Let the process die before the SQL statement with this number; uncommitted changes are lost."""
    left = after

    def count(execute: Any, *arguments: Any) -> Any:
        nonlocal left
        left -= 1
        if left == -1:
            raise Died
        return execute(*arguments)

    with connection.execute_wrapper(count):
        yield
