"""Writes of one step of the event loop go out together."""

import asyncio

import pytest

from openrouter_site.serving.writes import MAX_GATHERED_BYTES, GatheredWrites


class Transport:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.is_closed = False

    def write(self, data: bytes) -> None:
        assert not self.is_closed
        self.writes.append(data)

    def is_closing(self) -> bool:
        return self.is_closed

    def close(self) -> None:
        self.is_closed = True

    def get_extra_info(self, name: str) -> str:
        return name


@pytest.fixture
def transport() -> Transport:
    return Transport()


async def test_the_writes_of_a_step_are_one_and_later_ones_another(transport):
    gathered = GatheredWrites(transport, asyncio.get_running_loop())
    gathered.write(b"one ")
    gathered.write(b"two")
    assert transport.writes == []
    await asyncio.sleep(0)
    assert transport.writes == [b"one two"]
    gathered.write(b"three")
    await asyncio.sleep(0)
    assert transport.writes == [b"one two", b"three"]


async def test_much_is_written_at_once(transport):
    gathered = GatheredWrites(transport, asyncio.get_running_loop())
    gathered.write(b"x" * MAX_GATHERED_BYTES)
    assert transport.writes == []
    gathered.write(b"y")
    assert [len(data) for data in transport.writes] == [MAX_GATHERED_BYTES + 1]
    await asyncio.sleep(0)
    assert len(transport.writes) == 1


async def test_a_large_part_follows_what_was_gathered_and_is_not_copied(transport):
    gathered = GatheredWrites(transport, asyncio.get_running_loop())
    part = b"x" * (MAX_GATHERED_BYTES + 1)
    gathered.write(b"head")
    gathered.write(part)
    gathered.write(b"end")
    assert transport.writes == [b"head", part] and transport.writes[1] is part
    await asyncio.sleep(0)
    assert transport.writes == [b"head", part, b"end"]


async def test_closing_writes_the_rest_first(transport):
    gathered = GatheredWrites(transport, asyncio.get_running_loop())
    gathered.write(b"last")
    gathered.close()
    assert transport.is_closed and transport.writes == [b"last"]
    await asyncio.sleep(0)
    assert transport.writes == [b"last"]


async def test_nothing_is_written_to_a_connection_that_has_ended(transport):
    gathered = GatheredWrites(transport, asyncio.get_running_loop())
    gathered.write(b"too late")
    transport.is_closed = True
    await asyncio.sleep(0)
    assert transport.writes == []
    assert gathered.get_extra_info("peername") == "peername"  # the rest is the transport's own
