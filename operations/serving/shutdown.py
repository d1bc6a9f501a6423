"""Stopping: after SIGTERM a process refuses new requests at once, and ends when the running ones have ended.

It closes its listening socket, so that a proxy goes to another process. A worker of uvicorn's supervisor can't do that:
the supervisor keeps the socket open, and new connections would wait there without an answer. So it accepts them, and
answers as on connections that were kept: 503 with `Retry-After`; `/readyz` says "stopping". Running responses have as
long as uvicorn's `--timeout-graceful-shutdown` says. After the last one it accepts no more, and waits a moment for the
next request of clients that kept their connection: it would fail if the connection were closed while it is sent. Then
uvicorn's own shutdown begins, which cancels and settles the rest.
"""

import asyncio
import logging
import multiprocessing
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any

import uvicorn
from django.conf import settings

__all__ = ["RETRY_AFTER_SECONDS", "Shutdown"]

log = logging.getLogger(__name__)

#: When a refused client should come back.
RETRY_AFTER_SECONDS = 5
#: Seconds for which connections that were kept are still answered after the last response.
LINGER_SECONDS = 1.0

Handler = Callable[[int, FrameType | None], Any]


class Shutdown:
    """The stop of this process. `is_busy` says whether responses are still running; `on_stop` is called once."""

    def __init__(self, is_busy: Callable[[], bool], on_stop: Callable[[], None] = lambda: None) -> None:
        self._is_busy = is_busy
        self._on_stop = on_stop
        self.stopping = False
        self._waiting: asyncio.Task[None] | None = None

    def watch(self) -> None:
        """Put this in front of the server's handler of SIGTERM. Call it in the server's event loop.

        Does nothing outside the main thread, or if the server handles no signals there (Daphne, tests).
        """
        if threading.current_thread() is not threading.main_thread():
            return
        handler = signal.getsignal(signal.SIGTERM)
        server = getattr(handler, "__self__", None)
        if not callable(handler) or not isinstance(server, uvicorn.Server):
            return
        loop = asyncio.get_running_loop()

        def stop(number: int, frame: FrameType | None) -> None:
            # A second one is no hurry: service managers signal the supervisor and its workers, and it signals them too.
            self.stopping = True
            loop.call_soon_threadsafe(self._start_waiting, server, handler, number)

        signal.signal(signal.SIGTERM, stop)

    def _start_waiting(self, server: uvicorn.Server, handler: Handler, number: int) -> None:
        if self._waiting is None:
            self._on_stop()
            if multiprocessing.parent_process() is None:
                _stop_accepting(server)
            self._waiting = asyncio.create_task(self._wait(server, handler, number))

    async def _wait(self, server: uvicorn.Server, handler: Handler, number: int) -> None:
        seconds = server.config.timeout_graceful_shutdown
        seconds = settings.SHUTDOWN_SECONDS if seconds is None else seconds
        log.info("stopping: new requests are refused, running ones may take %d s", seconds)
        now = asyncio.get_running_loop().time
        deadline = now() + seconds
        await _wait_while(self._is_busy, deadline)
        _stop_accepting(server)
        await _wait_while(lambda: bool(server.server_state.connections), min(deadline, now() + LINGER_SECONDS))
        await _wait_while(self._is_busy, deadline)  # with the last refusals
        if self._is_busy():
            server.config.timeout_graceful_shutdown = 0  # they have had their time
        handler(number, None)


async def _wait_while(condition: Callable[[], bool], deadline: float) -> None:
    while condition() and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110 no common event
        await asyncio.sleep(0.05)


def _stop_accepting(server: uvicorn.Server) -> None:
    """Close this process's listening sockets. A supervisor and its other workers have the same ones open."""
    for listener in server.servers:
        listener.close()
