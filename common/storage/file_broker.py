"""The queue of a site without Redis: files in a folder, by kombu's transport for them.

That transport creates a message's file before it writes it, and a worker that takes the file in between ends with an
error. Here each step holds a lock that all processes of the site share.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem

__all__ = ["URL", "Transport"]

#: The address of the queue; with a host, or the worker warns that it has none.
URL = "files://localhost//"
TRANSPORT_ALIASES["files"] = f"{__name__}:Transport"


class Channel(filesystem.Channel):
    """kombu's channel, one step at a time."""

    def get_table(self, exchange: str) -> Any:
        with self._lock():
            return super().get_table(exchange)

    def _queue_bind(self, *args: Any) -> None:
        with self._lock():
            super()._queue_bind(*args)

    def _put(self, queue: str, payload: Any, **options: Any) -> None:  # type: ignore[override]  # as kombu calls it
        with self._lock():
            super()._put(queue, payload, **options)

    def _get(self, queue: str, timeout: float | None = None) -> Any:
        with self._lock():
            return super()._get(queue)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        with Path(self.control_folder, "lock").open("ab", buffering=0) as file:
            filesystem.lock(file, filesystem.LOCK_EX)  # type: ignore[attr-defined]  # its own, for Windows as well
            try:
                yield
            finally:
                filesystem.unlock(file)


class Transport(filesystem.Transport):
    """The transport of addresses that start with `files://`."""

    Channel = Channel
