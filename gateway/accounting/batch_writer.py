"""One thread that writes the operations of concurrent requests to the database, many in a transaction.

There is no timer. Operations that were queued while the last batch was written and handed back form the next batch:
one operation when the process is idle, dozens under load. A transaction per request becomes a transaction per batch,
and the event loop never waits for the database.

When the database goes away, a batch may or may not have been committed. It is written again on a new connection, so
operations must be safe to repeat. If there is no connection either, operations that can be undone are refused, and the
others wait until the database is back.
"""

import asyncio
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from django.db import connection

from common.errors import ServiceUnavailable
from common.storage import database
from common.storage.outages import outage_of

__all__ = ["BatchWriter"]

log = logging.getLogger(__name__)

Operation = TypeVar("Operation")


class _Submitted(Generic[Operation]):
    """An operation and its future, on the event loop that waits for it (none for an undoing operation)."""

    __slots__ = ("done", "is_uncertain", "loop", "operation")

    def __init__(
        self,
        operation: Operation,
        loop: asyncio.AbstractEventLoop | None = None,
        done: "asyncio.Future[Any] | None" = None,
    ) -> None:
        self.operation = operation
        self.loop = loop
        self.done = done
        self.is_uncertain = False  # whether an attempt that lost its connection may have been committed


_Queue = queue.SimpleQueue[_Submitted[Any] | None]  # None ends the thread


class BatchWriter(Generic[Operation]):
    """Passes operations to `write` in batches, on a thread of its own.

    `write(operations)` runs in that thread and returns one result for each operation, in order; a result that is an
    exception is raised from the future of its operation. When `write` itself raises, the operations of the batch are
    retried one by one, so that a bad one fails alone. `undo(operation)` returns the operation that takes it back, or
    None if it must be written however long the database is away. `periodic` is called when the thread starts and about
    every `period_seconds` after that.
    """

    MAX_BATCH = 200
    #: Seconds that a batch waits at most for the event loop to take the results of the last one.
    MAX_HANDOVER_SECONDS = 0.01
    #: Seconds between attempts to reach a database that is away.
    RETRY_SECONDS = 0.25

    def __init__(
        self,
        write: Callable[[Sequence[Operation]], Sequence[Any]],
        *,
        undo: Callable[[Operation], Operation | None] = lambda _: None,
        periodic: Callable[[], None] = lambda: None,
        period_seconds: float = 15.0,
    ) -> None:
        self._write = write
        self._undo = undo
        self._periodic = periodic
        self._period_seconds = period_seconds
        # A thread and its queue belong together: `close` replaces both, so that a later `submit` gets a new pair.
        self._queue: _Queue = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def submit(self, operation: Operation) -> "asyncio.Future[Any]":
        """The operation's result, once it is committed. Cancelling the future does not cancel the write.

        Called in a running event loop. Awaiting it raises ServiceUnavailable when the database is away and the
        operation can be undone.
        """
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()
        with self._lock:
            self._queue.put(_Submitted(operation, loop, done))
            if self._thread is None:
                self._start_thread()
        return done

    def start(self) -> None:
        """Start the thread, unless it runs. `submit` does so as well."""
        with self._lock:
            if self._thread is None:
                self._start_thread()

    def close(self) -> None:
        """Write the queued operations, then end the thread and its database connection.

        Operations that wait for a database that is away fail with ServiceUnavailable.
        """
        with self._lock:
            thread, self._thread = self._thread, None
            closing, self._queue = self._queue, queue.SimpleQueue()
            closing.put(None)
        if thread is not None:
            thread.join()

    def _start_thread(self) -> None:
        writing = _WriterThread(self, self._queue)
        self._thread = threading.Thread(target=writing.run, name="writer", daemon=True)
        self._thread.start()


class _WriterThread(Generic[Operation]):
    """The work of one thread of a writer, until its queue is closed."""

    def __init__(self, writer: BatchWriter[Operation], submitted: _Queue) -> None:
        self._writer = writer
        self._submitted = submitted
        self._closing = False
        self._waiting: list[_Submitted[Operation]] = []
        self._next_period = 0.0
        self._away_since: float | None = None

    def run(self) -> None:
        # With DEBUG on, Django's debug cursor would keep the text of every statement of this long-lived connection.
        connection.make_debug_cursor = connection.make_cursor  # type: ignore[assignment]
        try:
            while not self._closing:
                self._step()
            while self._waiting:
                self._step()
                if self._away_since is not None:
                    break
            if self._waiting:
                log.error("%d writes are lost: the database is away and this process ends", len(self._waiting))
                self._deliver(self._waiting, [ServiceUnavailable()] * len(self._waiting))
        finally:
            database.close_for_good()

    def _step(self) -> None:
        """Wait for something to do, and do it."""
        self._collect()
        is_due = time.monotonic() >= self._next_period
        if not (self._waiting or is_due) or not self._is_connected():
            return
        if is_due:
            self._call_periodic()
        if self._waiting:
            batch, self._waiting = self._waiting[: self._writer.MAX_BATCH], self._waiting[self._writer.MAX_BATCH :]
            self._waiting = [*self._write(batch), *self._waiting]

    def _collect(self) -> None:
        """Take everything that was submitted; wait for it if there is nothing else to do."""
        pause = max(0.0, self._next_period - time.monotonic())
        if self._away_since is not None:
            pause = self._writer.RETRY_SECONDS
        elif self._waiting or self._closing:
            pause = 0.0
        try:
            item = self._submitted.get(timeout=pause) if pause else self._submitted.get_nowait()
            while True:
                if item is None:
                    self._closing = True
                else:
                    self._waiting.append(item)
                item = self._submitted.get_nowait()
        except queue.Empty:
            return

    def _is_connected(self) -> bool:
        """Whether there is a connection. Without one, refuses what can be undone: nothing of it was sent."""
        try:
            connection.ensure_connection()
        except Exception as error:
            self._went_away(error)
            return False
        return True

    def _went_away(self, error: Exception) -> None:
        database.close_for_good()
        if self._away_since is None:
            self._away_since = time.monotonic()
            log.warning("the database is away (%s); %d writes wait", type(error).__name__, len(self._waiting))
        self._waiting = self._refuse(self._waiting)
        self._next_period = 0.0  # first thing when it is back

    def _is_back(self) -> None:
        if self._away_since is not None:
            log.warning("the database is back after %.1f s", time.monotonic() - self._away_since)
            self._away_since = None

    def _refuse(self, items: list[_Submitted[Operation]]) -> list[_Submitted[Operation]]:
        """Refuse the operations that can be undone. Returns those that must be written once the database is back."""
        remaining, refused = [], []
        for item in items:
            if (undoing := self._writer._undo(item.operation)) is None:
                remaining.append(item)
                continue
            refused.append(item)
            if item.is_uncertain:
                remaining.append(_Submitted(undoing))
        self._deliver(refused, [ServiceUnavailable() for _ in refused])
        return remaining

    def _write(self, items: list[_Submitted[Operation]]) -> list[_Submitted[Operation]]:
        """Write the operations. Returns those to write again, because the connection was lost."""
        try:
            results = self._attempt(items)
        except Exception as error:
            database.close_for_good()  # a broken connection must not fail the next batch as well
            if outage_of(error):
                is_second_time = any(item.is_uncertain for item in items)
                for item in items:
                    item.is_uncertain = True
                if is_second_time:
                    self._went_away(error)
                    return self._refuse(items)
                return items
            if len(items) > 1:
                log.warning(
                    "a batch of %d writes failed (%s); retrying them one by one", len(items), type(error).__name__
                )
                return self._write_one_by_one(items)
            log.exception("a write failed")
            results = [error]
        self._is_back()
        self._deliver(items, results)
        return []

    def _write_one_by_one(self, items: list[_Submitted[Operation]]) -> list[_Submitted[Operation]]:
        remaining: list[_Submitted[Operation]] = []
        for item in items:
            remaining += [item] if remaining else self._write([item])
        return remaining

    def _attempt(self, items: list[_Submitted[Operation]]) -> Sequence[Any]:
        """The results of the operations. Undoes those first that an earlier attempt may have committed."""
        undoing = [self._writer._undo(item.operation) for item in items if item.is_uncertain]
        first = [operation for operation in undoing if operation is not None]
        return self._writer._write([*first, *(item.operation for item in items)])[len(first) :]

    def _deliver(self, items: Sequence[_Submitted[Operation]], results: Sequence[Any]) -> None:
        by_loop: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[Any], Any]]] = {}
        for item, result in zip(items, results, strict=True):
            if item.loop is not None and item.done is not None:
                by_loop.setdefault(item.loop, []).append((item.done, result))
        for loop, finished in by_loop.items():
            # A caller that gets its result often submits its next operation at once. Without a pause the callers would
            # split into two halves that take turns, in batches half as large.
            taken = None if self._submitted.empty() else threading.Event()
            try:
                loop.call_soon_threadsafe(_resolve, loop, finished, taken)
            except RuntimeError:
                log.warning("%d writes finished after their event loop had closed", len(finished))
                continue
            if taken is not None:
                taken.wait(self._writer.MAX_HANDOVER_SECONDS)

    def _call_periodic(self) -> None:
        self._next_period = time.monotonic() + self._writer._period_seconds
        try:
            self._writer._periodic()
            self._is_back()
        except Exception as error:
            database.close_for_good()
            if outage_of(error):
                self._next_period = time.monotonic() + self._writer.RETRY_SECONDS
                log.warning("the writer's periodic work is put off (%s)", type(error).__name__)
            else:
                log.exception("the writer's periodic work failed")


def _resolve(
    loop: asyncio.AbstractEventLoop, finished: list[tuple["asyncio.Future[Any]", Any]], taken: threading.Event | None
) -> None:
    for done, result in finished:
        if done.cancelled():
            continue
        if isinstance(result, BaseException):
            done.set_exception(result)
        else:
            done.set_result(result)
    if taken is not None:
        loop.call_soon(taken.set)  # after the callers that were just woken have run
