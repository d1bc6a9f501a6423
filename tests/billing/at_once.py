"""Running code on several threads at the same time."""

import threading
from collections.abc import Callable
from typing import Any

from django.db import connection

__all__ = ["all_at_once"]


def all_at_once(*jobs: Callable[[], Any]) -> list[Any]:
    """Run the jobs on threads that start together; returns what each returned or raised, in order."""
    barrier = threading.Barrier(len(jobs))
    results: list[Any] = [None] * len(jobs)

    def run(number: int, job: Callable[[], Any]) -> None:
        barrier.wait()
        try:
            results[number] = job()
        except Exception as error:
            results[number] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=each) for each in enumerate(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results
