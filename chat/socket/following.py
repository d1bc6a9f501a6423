"""The answers that a socket sends without running them: the rest of kept ones, and bills that come late."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from accounts.models import Organisation, User
from chat import protocol
from chat.answers.billing import bill_of
from chat.answers.kept_answers import kept_pieces, key_from
from common.errors import NotAuthenticated
from common.storage import database
from common.storage.outages import outage_of

__all__ = ["Following"]

#: Kept answers that are sent at the same time, and bills that are waited for. More of them wait.
AT_ONCE = 12
#: Seconds between checks for a bill. A provider that can't be canceled is read to its end first.
BILL_PAUSES = (0.0, 0.3, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)

Task = asyncio.Task[None]


class Following:
    """The answers that one socket follows. `send` takes a frame; `signed_in` raises NotAuthenticated."""

    def __init__(
        self,
        send: Callable[[str], Awaitable[None]],
        signed_in: Callable[[], Awaitable[tuple[User, Organisation]]],
    ) -> None:
        self._send = send
        self._signed_in = signed_in
        self._kept: dict[str, Task] = {}
        self._bills: dict[str, Task] = {}
        self._kept_places, self._bill_places = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(AT_ONCE)

    def __contains__(self, answer_id: str) -> bool:
        """Whether a kept answer is being sent."""
        return answer_id in self._kept

    def resume(self, message: protocol.Resume, name: str) -> None:
        """Send what is kept of an answer under this name, and what is added to it."""
        if message.id not in self._kept:
            task = self._kept[message.id] = asyncio.create_task(self._send_kept(message, name))
            task.add_done_callback(lambda _: self._kept.pop(message.id))

    def bill(self, answer_id: str, generation_id: str) -> None:
        """Send the cost of a generation once it is settled."""
        if generation_id not in self._bills:
            task = self._bills[generation_id] = asyncio.create_task(self._send_bill(answer_id, generation_id))
            task.add_done_callback(lambda _: self._bills.pop(generation_id))

    def cancel(self) -> list[Task]:
        """Follow nothing any longer. Return the tasks that end with that."""
        tasks = [*self._kept.values(), *self._bills.values()]
        for task in tasks:
            task.cancel()
        return tasks

    async def _send_kept(self, message: protocol.Resume, name: str) -> None:
        async with self._kept_places:
            try:
                async with aclosing(kept_pieces(name, key_from(message.key))) as pieces:
                    async for number, frames in pieces:
                        await self._send(protocol.resumed(message.id, frames, number))
                        if frames[-1] == protocol.ended(message.id):
                            return
            except LookupError:
                await self._send(protocol.lost(message.id))

    async def _send_bill(self, answer_id: str, generation_id: str) -> None:
        async with self._bill_places:
            for pause in BILL_PAUSES:
                await asyncio.sleep(pause)
                try:
                    _, organisation = await self._signed_in()
                    bill = await database.run(bill_of, generation_id, organisation)
                except NotAuthenticated:
                    return
                except Exception as error:
                    if not outage_of(error):
                        raise
                    continue
                if bill:
                    await self._send(protocol.frame(answer_id, bill))
                    return
