"""The sockets of this process that watch an account, and what tells them that its requests have changed."""

import asyncio
import logging
from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from functools import partial
from typing import Protocol

from gateway.changes import changed_accounts

__all__ = ["Watcher", "Watching", "watching"]

log = logging.getLogger(__name__)

#: Seconds between two messages to a socket: what changes meanwhile is told once.
PAUSE_SECONDS = 0.5


class Watcher(Protocol):
    """A socket that shows the requests of one credit account, by its number."""

    account_id: int

    async def changed(self) -> None:
        """Tell the page that requests of the account have changed."""


class Watching:
    """The watchers of this process. It listens to the gateways of all processes as long as there are any."""

    def __init__(self) -> None:
        self._by_account: defaultdict[int, set[Watcher]] = defaultdict(set)
        self._changed: set[int] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._some = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._telling: dict[Watcher, asyncio.Task[None]] = {}

    def add(self, watcher: Watcher) -> None:
        """Tell this watcher from now on."""
        self._by_account[watcher.account_id].add(watcher)
        if self._loop is None:
            self._loop, self._some = asyncio.get_running_loop(), asyncio.Event()
            self._changed.clear()
            self._tasks = [asyncio.create_task(changed_accounts.hear(self._heard)), asyncio.create_task(self._tell())]

    def remove(self, watcher: Watcher) -> None:
        """Tell this watcher no longer."""
        watchers = self._by_account.get(watcher.account_id, set())
        watchers.discard(watcher)
        if not watchers:
            self._by_account.pop(watcher.account_id, None)
        if not self._by_account:
            for task in self._tasks:
                task.cancel()
            self._tasks, self._loop = [], None

    def _heard(self, accounts: Collection[int]) -> None:
        """Take a hint, on any thread: most are about accounts that no page of this process shows."""
        if (loop := self._loop) and any(account in self._by_account for account in accounts):
            with suppress(RuntimeError):  # the loop has been closed
                loop.call_soon_threadsafe(self._note, accounts)

    def _note(self, accounts: Collection[int]) -> None:
        self._changed.update(account for account in accounts if account in self._by_account)
        if self._changed:
            self._some.set()

    async def _tell(self) -> None:
        while True:
            await self._some.wait()
            self._some.clear()
            accounts, self._changed = self._changed, set()
            for watcher in {each for account in accounts for each in self._by_account.get(account, ())}:
                if watcher not in self._telling:  # a page on a slow network that has yet to hear will load all of it
                    task = self._telling[watcher] = asyncio.create_task(watcher.changed())
                    task.add_done_callback(partial(self._told, watcher))
            await asyncio.sleep(PAUSE_SECONDS)

    def _told(self, watcher: Watcher, task: "asyncio.Task[None]") -> None:
        del self._telling[watcher]
        if not task.cancelled() and (error := task.exception()):
            log.warning("a live page was not told: %s", type(error).__name__)


watching = Watching()
