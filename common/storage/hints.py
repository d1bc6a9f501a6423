"""Hints between processes: "look again at what has these numbers".

A hint says that something has changed, never what. It may come twice or, when the channel layer is away, not at all:
what depends on it also looks by itself from time to time. The channel layer of the embedded default is in memory, so
hints stay in the process then.
"""

# Channels has no types.
# mypy: disable-error-code="no-untyped-call"

import asyncio
import logging
import threading
from collections.abc import Callable, Collection
from contextlib import suppress
from functools import partial
from typing import Any

from channels.layers import InMemoryChannelLayer, get_channel_layer

from common.naming.ids import public_id

__all__ = ["Hints", "layer_between_processes", "listen"]

log = logging.getLogger(__name__)

#: Seconds that sending may take, and before the channel layer is tried again.
SEND_SECONDS = 1.0
RETRY_SECONDS = 1.0
#: Seconds between two messages of a process: what is given meanwhile goes together.
PAUSE_SECONDS = 0.5
#: Seconds after which a process joins a group again, which forgets its members after a day.
REJOIN_SECONDS = 3600.0

_PROCESS = public_id("process")

Take = Callable[[Collection[int]], None]


def layer_between_processes() -> Any | None:
    """Return the channel layer; None if it does not reach other processes."""
    layer = get_channel_layer()
    return None if isinstance(layer, InMemoryChannelLayer) else layer


async def listen(group: str, take: Callable[[dict[str, Any]], None], heard: Callable[[bool], None]) -> None:
    """Pass the messages of a group to `take`, until canceled. Returns at once without a layer between processes.

    `heard` is told whenever the channel layer begins to work (True), and each time it fails (False).
    """
    if (layer := layer_between_processes()) is None:
        return
    channel = ""
    try:
        while True:
            try:
                channel = channel or await layer.new_channel()
                await layer.group_add(group, channel)
                heard(True)
                with suppress(TimeoutError):
                    async with asyncio.timeout(REJOIN_SECONDS):
                        while True:
                            take(await layer.receive(channel))
            except Exception as error:
                if (task := asyncio.current_task()) and task.cancelling():
                    raise asyncio.CancelledError from error  # the channel layer may fail on being canceled
                log.debug("the channel layer is away: %s", type(error).__name__)
                heard(False)
                await asyncio.sleep(RETRY_SECONDS)
    finally:
        with suppress(Exception):
            async with asyncio.timeout(SEND_SECONDS):
                await layer.group_discard(group, channel)


class Hints:
    """The hints of one kind. Giving one never waits and never raises; without a listener anywhere it costs next to
    nothing."""

    def __init__(self, group: str) -> None:
        self._group = group
        self._takers: list[Take] = []
        self._lock = threading.Lock()
        self._unsent: set[int] = set()
        self._sender: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._works = True

    def give(self, numbers: Collection[int]) -> None:
        """Hint at these numbers, in this process at once, in the others within about half a second. From any thread."""
        for take in tuple(self._takers):
            take(numbers)
        if numbers and layer_between_processes() is not None:
            self._send_soon(numbers)

    async def hear(self, take: Take) -> None:
        """Pass on what is given in any process, until canceled. `take` must be safe to call from any thread."""
        self._takers.append(take)
        try:
            await listen(self._group, lambda message: self._heard(message, take), self._log)
            await asyncio.Event().wait()
        finally:
            self._takers.remove(take)

    def _heard(self, message: dict[str, Any], take: Take) -> None:
        if message["from"] != _PROCESS:  # those of this process came directly
            take(message["numbers"])

    def _log(self, works: bool) -> None:
        if self._works and not works:
            log.warning("hints of %s don't reach other processes: the channel layer is away", self._group)
        self._works = works

    def _send_soon(self, numbers: Collection[int]) -> None:
        with self._lock:
            is_first = not self._unsent
            self._unsent.update(numbers)
            if self._sender is None:
                self._start()
            elif is_first:
                loop, given = self._sender
                loop.call_soon_threadsafe(given.set)

    def _start(self) -> None:
        """Start the thread that sends: the givers' event loops come and go, and none of them must wait."""
        loop, given = asyncio.new_event_loop(), asyncio.Event()
        given.set()
        self._sender = loop, given
        send = partial(loop.run_until_complete, self._send(given))
        threading.Thread(target=send, name=f"hints {self._group}", daemon=True).start()

    async def _send(self, given: asyncio.Event) -> None:
        while True:
            await given.wait()
            given.clear()
            with self._lock:
                numbers, self._unsent = sorted(self._unsent), set()
            try:
                async with asyncio.timeout(SEND_SECONDS):
                    if (layer := layer_between_processes()) is not None:
                        message = {"type": "hint", "from": _PROCESS, "numbers": numbers}
                        await layer.group_send(self._group, message)
                self._log(True)
            except Exception:
                self._log(False)
            await asyncio.sleep(PAUSE_SECONDS)
