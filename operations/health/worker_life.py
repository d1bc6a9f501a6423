"""A worker's signs of life: a file that it touches while its loop turns.

The loop takes messages from the broker and hands out tasks, so it turns however busy the pool is. A worker that waits
for its broker lives as well. One whose loop hangs ends, and is started again by whatever runs it. Probes look at the
age of the file, in case that not even this is possible.
"""

import logging
import os
import threading
import time
from pathlib import Path
from typing import Any

from celery import bootsteps
from celery.concurrency.solo import TaskPool as SoloPool
from django.conf import settings

__all__ = ["FILE", "SignsOfLife"]

log = logging.getLogger(__name__)

#: The file's name in DATA_DIR.
FILE = "worker-alive"
#: Seconds between two looks, and looks in a row without a turn of the loop after which the worker ends.
INTERVAL, MOST_MISSED = 10.0, 18


class SignsOfLife(bootsteps.StartStopStep):
    """A step of Celery's consumer, which is started whenever the broker is connected."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._file = Path(settings.DATA_DIR) / FILE
        self._connected: Any = None
        self._missed = 0

    def include_if(self, consumer: Any) -> bool:
        """Leave out a solo pool, which does its tasks in the loop: a long one is no fault."""
        return not isinstance(consumer.pool, SoloPool)

    def create(self, consumer: Any) -> None:
        """Begin to look, before the broker is connected for the first time."""
        threading.Thread(target=self._watch, name="signs of life", daemon=True).start()

    def start(self, consumer: Any) -> None:
        """The broker is connected: from now on the loop must turn."""
        self._connected = consumer

    def stop(self, consumer: Any) -> None:
        """The broker is away, or the worker stops."""
        self._connected = None

    def _watch(self) -> None:
        while True:
            self.look()
            time.sleep(INTERVAL)

    def look(self) -> None:
        """Let the loop touch the file in its next turn. End the process if it has not turned for too long."""
        if self._missed >= MOST_MISSED:
            log.critical("the worker's loop hangs, so the worker ends")
            os._exit(os.EX_SOFTWARE)
        self._missed += 1
        if (consumer := self._connected) is not None:
            consumer.call_soon(self._turned)
        else:
            self._turned()

    def _turned(self) -> None:
        self._missed = 0
        try:
            self._file.touch()
        except OSError as error:
            log.warning("%s can't be written: %s", self._file, error.strerror)
