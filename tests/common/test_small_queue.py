"""The queue of one task that puts and one that gets."""

import asyncio

from common.small_queue import SmallQueue


async def test_items_come_in_order_and_none_is_lost_however_the_tasks_wait():
    queue: SmallQueue[int] = SmallQueue(3)
    longest = 0

    async def put() -> None:
        nonlocal longest
        for number in range(100):
            await queue.put(number)
            longest = max(longest, len(queue._items))
            if number % 7 == 0:  # now the one that gets has to wait
                await asyncio.sleep(0)
                await asyncio.sleep(0)

    putting = asyncio.create_task(put())
    assert [await queue.get() for _ in range(100)] == list(range(100))
    await putting
    assert longest == 3
    assert queue.empty()


async def test_a_canceled_wait_takes_nothing_and_puts_nothing():
    queue: SmallQueue[str] = SmallQueue(1)
    getting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    getting.cancel()
    queue.put_nowait("first")  # while the wait ends
    await asyncio.wait({getting})
    putting = asyncio.create_task(queue.put("never"))
    await asyncio.sleep(0)
    putting.cancel()
    assert await queue.get() == "first"
    await asyncio.wait({putting})
    assert queue.empty()
