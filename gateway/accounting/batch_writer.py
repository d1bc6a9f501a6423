"""The writer: one thread that writes what concurrent requests have to write, many at a time.

There is no timer. Whatever queued up while the last batch was being written and handed back is the next batch: one
operation when the process is idle, dozens under load. That turns a transaction per request into a
transaction per batch, and keeps the event loop free of the database.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from django.db import connection

__all__ = ["Writer"]

log = logging.getLogger(__name__)

Operation = TypeVar("Operation")

_Waiting = tuple[Any, asyncio.AbstractEventLoop, "asyncio.Future[Any]"]


class Writer(Generic[Operation]):
    """Hands operations to `write` in batches, on a thread of its own.

    `write(operations)` runs in that thread and returns one result for each operation, in order; a result that is
    an exception is raised at the caller who submitted the operation. When `write` itself raises, the operations of
    the batch are tried one by one, so that a bad one fails alone. `regularly` is called when the thread starts and
    about every `every_seconds` after that.
    """

    MAX_BATCH = 200
    #: The longest that a batch waits for the event loop to take the last one's results, in seconds.
    MOST_PATIENCE = 0.01

    def __init__(
        self,
        write: Callable[[Sequence[Operation]], Sequence[Any]],
        *,
        regularly: Callable[[], None] = lambda: None,
        every_seconds: float = 15.0,
    ) -> None:
        self._write = write
        self._regularly = regularly
        self._every_seconds = every_seconds
        # A thread and its queue belong together: what is submitted after `close` goes to a new pair.
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def submit(self, operation: Operation) -> "asyncio.Future[Any]":
        """To await: the operation's result, once it is committed. Who stops waiting does not stop the writing.

        Called in a running event loop.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        with self._lock:
            self._queue.put((operation, loop, done))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, args=(self._queue,), name="writer", daemon=True)
                self._thread.start()
        return done

    def close(self) -> None:
        """Write what is queued, then end the thread and its database connection."""
        with self._lock:
            thread, self._thread = self._thread, None
            closing, self._queue = self._queue, queue.SimpleQueue()
            closing.put(None)
        if thread is not None:
            thread.join()

    def _run(self, waiting_queue: queue.SimpleQueue[_Waiting | None]) -> None:
        # With DEBUG on, Django would keep the text of every statement: slow, and nothing anybody reads.
        connection.make_debug_cursor = connection.make_cursor  # type: ignore[assignment]
        try:
            next_regular = 0.0
            while True:
                if time.monotonic() >= next_regular:
                    self._call_regularly()
                    next_regular = time.monotonic() + self._every_seconds
                try:
                    first = waiting_queue.get(timeout=max(0.01, next_regular - time.monotonic()))
                except queue.Empty:
                    continue
                batch: list[_Waiting | None] = [first]
                while len(batch) < self.MAX_BATCH:
                    try:
                        batch.append(waiting_queue.get_nowait())
                    except queue.Empty:
                        break
                waiting = [item for item in batch if item is not None]
                if waiting:
                    self._deliver(waiting, self._results([operation for operation, _, _ in waiting]), waiting_queue)
                if len(waiting) < len(batch):
                    return
        finally:
            connection.close()

    def _results(self, operations: list[Operation]) -> Sequence[Any]:
        try:
            return self._write(operations)
        except Exception as error:
            connection.close()  # a broken connection must not fail the next batch as well
            if len(operations) == 1:
                log.exception("a write failed")
                return [error]
            log.warning(
                "a batch of %d writes failed (%s); writing them one by one", len(operations), type(error).__name__
            )
            return [self._results([operation])[0] for operation in operations]

    def _deliver(
        self, waiting: list[_Waiting], results: Sequence[Any], waiting_queue: queue.SimpleQueue[_Waiting | None]
    ) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
        for (_, loop, done), result in zip(waiting, results, strict=True):
            by_loop.setdefault(loop, []).append((done, result))
        for loop, finished in by_loop.items():
            taken = threading.Event()
            try:
                loop.call_soon_threadsafe(_resolve, loop, finished, taken)
            except RuntimeError:
                log.warning("%d writes finished after their event loop had closed", len(finished))
            else:
                # Who gets a result often has the next operation at once. Without this pause two halves of the
                # callers would take turns for ever, in batches half as long.
                if not waiting_queue.empty():
                    taken.wait(self.MOST_PATIENCE)

    def _call_regularly(self) -> None:
        try:
            self._regularly()
        except Exception:
            connection.close()
            log.exception("the writer's regular work failed")


def _resolve(
    loop: asyncio.AbstractEventLoop, finished: list[tuple["asyncio.Future[Any]", Any]], taken: threading.Event
) -> None:
    for done, result in finished:
        if done.cancelled():
            continue
        if isinstance(result, BaseException):
            done.set_exception(result)
        else:
            done.set_result(result)
    loop.call_soon(taken.set)  # behind the callers that were just woken
