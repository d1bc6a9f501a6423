"""One thread that writes the operations of concurrent requests to the database, many in a transaction.

There is no timer. Operations that were queued while the last batch was written and handed back form the next batch:
one operation when the process is idle, dozens under load. A transaction per request becomes a transaction per batch,
and the event loop never waits for the database.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from django.db import connection

__all__ = ["BatchWriter"]

log = logging.getLogger(__name__)

Operation = TypeVar("Operation")

_Submitted = tuple[Any, asyncio.AbstractEventLoop, "asyncio.Future[Any]"]
_Queue = queue.SimpleQueue[_Submitted | None]  # None ends the thread


class BatchWriter(Generic[Operation]):
    """Passes operations to `write` in batches, on a thread of its own.

    `write(operations)` runs in that thread and returns one result for each operation, in order; a result that is an
    exception is raised from the future of its operation. When `write` itself raises, the operations of the batch are
    retried one by one, so that a bad one fails alone. `periodic` is called when the thread starts and about every
    `period_seconds` after that.
    """

    MAX_BATCH = 200
    #: Seconds that a batch waits at most for the event loop to take the results of the last one.
    MAX_HANDOVER_SECONDS = 0.01

    def __init__(
        self,
        write: Callable[[Sequence[Operation]], Sequence[Any]],
        *,
        periodic: Callable[[], None] = lambda: None,
        period_seconds: float = 15.0,
    ) -> None:
        self._write = write
        self._periodic = periodic
        self._period_seconds = period_seconds
        # A thread and its queue belong together: `close` replaces both, so that a later `submit` gets a new pair.
        self._queue: _Queue = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def submit(self, operation: Operation) -> "asyncio.Future[Any]":
        """The operation's result, once it is committed. Cancelling the future does not cancel the write.

        Called in a running event loop.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        with self._lock:
            self._queue.put((operation, loop, done))
            if self._thread is None:
                self._start_thread()
        return done

    def start(self) -> None:
        """Start the thread, unless it runs. `submit` does so as well."""
        with self._lock:
            if self._thread is None:
                self._start_thread()

    def close(self) -> None:
        """Write the queued operations, then end the thread and its database connection."""
        with self._lock:
            thread, self._thread = self._thread, None
            closing, self._queue = self._queue, queue.SimpleQueue()
            closing.put(None)
        if thread is not None:
            thread.join()

    def _start_thread(self) -> None:
        self._thread = threading.Thread(target=self._run, args=(self._queue,), name="writer", daemon=True)
        self._thread.start()

    def _run(self, submitted_queue: _Queue) -> None:
        # With DEBUG on, Django's debug cursor would keep the text of every statement of this long-lived connection.
        connection.make_debug_cursor = connection.make_cursor  # type: ignore[assignment]
        try:
            next_period = 0.0
            while True:
                if time.monotonic() >= next_period:
                    self._call_periodic()
                    next_period = time.monotonic() + self._period_seconds
                try:
                    first = submitted_queue.get(timeout=max(0.01, next_period - time.monotonic()))
                except queue.Empty:
                    continue
                batch: list[_Submitted | None] = [first]
                while len(batch) < self.MAX_BATCH:
                    try:
                        batch.append(submitted_queue.get_nowait())
                    except queue.Empty:
                        break
                submitted = [item for item in batch if item is not None]
                if submitted:
                    results = self._results([operation for operation, _, _ in submitted])
                    self._deliver(submitted, results, submitted_queue)
                if len(submitted) < len(batch):
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
                "a batch of %d writes failed (%s); retrying them one by one", len(operations), type(error).__name__
            )
            return [self._results([operation])[0] for operation in operations]

    def _deliver(self, submitted: list[_Submitted], results: Sequence[Any], submitted_queue: _Queue) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
        for (_, loop, done), result in zip(submitted, results, strict=True):
            by_loop.setdefault(loop, []).append((done, result))
        for loop, finished in by_loop.items():
            taken = threading.Event()
            try:
                loop.call_soon_threadsafe(_resolve, loop, finished, taken)
            except RuntimeError:
                log.warning("%d writes finished after their event loop had closed", len(finished))
            else:
                # A caller that gets its result often submits its next operation at once. Without this pause the
                # callers would split into two halves that take turns, in batches half as large.
                if not submitted_queue.empty():
                    taken.wait(self.MAX_HANDOVER_SECONDS)

    def _call_periodic(self) -> None:
        try:
            self._periodic()
        except Exception:
            connection.close()
            log.exception("the writer's periodic work failed")


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
    loop.call_soon(taken.set)  # after the callers that were just woken have run
