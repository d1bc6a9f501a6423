"""A queue for the many that are nearly always empty: asyncio's takes 3 kB before anything is in it, this one 0.2."""

import asyncio
from typing import Generic, TypeVar

__all__ = ["SmallQueue"]

Item = TypeVar("Item")


class SmallQueue(Generic[Item]):
    """Items in order, for one task that puts them and one that gets them.

    `put` waits while there are `most` items; `put_nowait` always puts.
    """

    __slots__ = ("_changed", "_items", "_most")

    def __init__(self, most: int = 0) -> None:
        self._items: list[Item] = []
        self._most = most
        self._changed: asyncio.Future[None] | None = None  # what the other task waits for

    def empty(self) -> bool:
        """Return whether nothing is in it."""
        return not self._items

    async def put(self, item: Item) -> None:
        """Put an item, once there is room."""
        while len(self._items) >= self._most:
            await self._change()
        self.put_nowait(item)

    def put_nowait(self, item: Item) -> None:
        """Put an item."""
        self._items.append(item)
        self._tell()

    async def get(self) -> Item:
        """Return the next item, once there is one."""
        while not self._items:
            await self._change()
        item = self._items.pop(0)
        self._tell()
        return item

    async def _change(self) -> None:
        # One task waits while it is empty, the other while it is full. One that is told may find the other waiting.
        changed = self._changed = asyncio.get_running_loop().create_future()
        try:
            await changed
        finally:
            if self._changed is changed:
                self._changed = None

    def _tell(self) -> None:
        if self._changed and not self._changed.done():
            self._changed.set_result(None)
