"""The courier: carries webhook deliveries to their endpoints until they are accepted.

Refused or unanswered deliveries are tried again after 1, 2, 4, ... seconds, later once a minute, for three days
of the sandbox's clock. What is owed is in the store, so a restart resumes where the last process stopped.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import httpx

from .store import Json, Store

GIVE_UP_AFTER = 3 * 24 * 3600  # seconds
_ANSWER_WITHIN = 20  # seconds
_AT_ONCE = 4  # per endpoint: one that hangs does not hold up the others
_LONGEST_PAUSE = 60.0  # seconds

log = logging.getLogger("sandbox.payments.webhooks")


@dataclass(frozen=True)
class Letter:
    """One signed request to an endpoint."""

    url: str
    body: bytes
    headers: dict[str, str]


# What is sent to an endpoint about an event: both as the store keeps them.
Writer = Callable[[Store, Json, Json], Letter]


class Courier:
    """Carries due deliveries, a few at once."""

    def __init__(self, store: Store, write: Writer) -> None:
        self._store = store
        self._write = write
        self._wake = asyncio.Event()
        self._busy: dict[int, str] = {}  # delivery -> endpoint
        self._tasks: set[asyncio.Task[None]] = set()

    def wake(self) -> None:
        """Look for due deliveries now."""
        self._wake.set()

    async def run(self) -> None:
        """Deliver until canceled."""
        # The sandbox talks to this machine: a proxy of the environment has no part in it.
        async with httpx.AsyncClient(timeout=_ANSWER_WITHIN, trust_env=False) as client:
            try:
                while True:
                    self._start_due(client)
                    with suppress(TimeoutError):
                        await asyncio.wait_for(self._wake.wait(), self._pause())
                    self._wake.clear()
            finally:
                for task in self._tasks:
                    task.cancel()
                await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start_due(self, client: httpx.AsyncClient) -> None:
        rows = self._store.query(
            "SELECT id, event, endpoint, attempts, queued FROM deliveries "
            "WHERE state = 'pending' AND due <= ? ORDER BY due, id LIMIT 500",
            (self._store.now(),),
        )
        for row in rows:
            if row["id"] not in self._busy and list(self._busy.values()).count(row["endpoint"]) < _AT_ONCE:
                self._busy[row["id"]] = row["endpoint"]
                task = asyncio.create_task(self._deliver(client, dict(row)))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    def _pause(self) -> float:
        """Seconds until something more falls due. What is due already waits for a delivery to end, which wakes."""
        now = self._store.now()
        rows = self._store.query("SELECT min(due) AS due FROM deliveries WHERE state = 'pending' AND due > ?", (now,))
        return 1.0 if rows[0]["due"] is None else min(1.0, float(rows[0]["due"]) - now)

    async def _deliver(self, client: httpx.AsyncClient, delivery: dict[str, Any]) -> None:
        try:
            endpoint = self._store.find(delivery["endpoint"])
            event = self._store.find(delivery["event"])
            if endpoint is None or event is None:
                return  # deleted since, and the delivery with it
            started = time.monotonic()
            status, problem = await self._post(client, self._write(self._store, endpoint, event))
            self._record(delivery, status, problem, time.monotonic() - started)
        finally:
            del self._busy[delivery["id"]]
            self.wake()

    async def _post(self, client: httpx.AsyncClient, letter: Letter) -> tuple[int | None, str | None]:
        """The status of the endpoint's answer, or the problem."""
        try:
            response = await client.post(letter.url, content=letter.body, headers=letter.headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return None, f"{type(error).__name__}: {error}"
        return response.status_code, None

    def _record(self, delivery: dict[str, Any], status: int | None, problem: str | None, seconds: float) -> None:
        store, attempts = self._store, delivery["attempts"] + 1
        delivered = status is not None and 200 <= status < 300
        too_old = store.now() - delivery["queued"] > GIVE_UP_AFTER
        state = "delivered" if delivered else "failed" if too_old else "pending"
        with store.transaction():
            store.execute(
                "INSERT INTO attempts (delivery, at, seconds, status, error) VALUES (?, ?, ?, ?, ?)",
                (delivery["id"], store.now(), seconds, status, problem),
            )
            # Unless it was canceled while it was on its way.
            store.execute(
                "UPDATE deliveries SET state = ?, attempts = ?, due = ? WHERE id = ? AND state = 'pending'",
                (state, attempts, store.now() + pause_after(attempts), delivery["id"]),
            )
        if not delivered and (attempts == 1 or state != "pending"):
            log.warning("event %s: attempt %d not accepted (%s)", delivery["event"], attempts, problem or status)


def pause_after(attempts: int) -> float:
    """Seconds until a delivery that has failed this often is tried again."""
    return min(_LONGEST_PAUSE, 2.0 ** (attempts - 1))
