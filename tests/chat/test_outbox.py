"""How often a page is written to."""

import asyncio
from typing import Any

import msgspec

from chat.outbox import PAUSE_SECONDS, Outbox
from gateway.events import Delta, Finished


def outbox() -> tuple[Outbox, list[dict[str, Any]]]:
    sent: list[dict[str, Any]] = []

    async def send(text: str) -> None:
        sent.append(msgspec.json.decode(text))

    return Outbox("a", send), sent


async def test_the_first_delta_leaves_at_once():
    box, sent = outbox()
    await box.put(Delta(text="H"))
    assert [frame["text"] for frame in sent] == ["H"]


async def test_what_follows_within_the_pause_leaves_together_and_by_itself():
    box, sent = outbox()
    for letter in "Hello":
        await box.put(Delta(text=letter))
    assert [frame["text"] for frame in sent] == ["H"]
    await asyncio.sleep(PAUSE_SECONDS * 3)
    assert [frame["text"] for frame in sent] == ["H", "ello"]


async def test_another_event_takes_what_is_waiting_with_it():
    box, sent = outbox()
    for letter in "Hi!":
        await box.put(Delta(text=letter))
    await box.put(Finished(finish_reason="stop", native_finish_reason="stop"))
    assert [frame.get("text", frame["type"]) for frame in sent] == ["H", "i!", "finished"]
    await asyncio.sleep(PAUSE_SECONDS * 2)
    assert len(sent) == 3


async def test_a_slow_page_loses_nothing_and_keeps_the_order():
    sent: list[str] = []

    async def send(text: str) -> None:
        await asyncio.sleep(0.02)
        sent.append(msgspec.json.decode(text).get("text", ""))

    box = Outbox("a", send)
    for number in range(200):
        await box.put(Delta(text=f"{number} "))
        await asyncio.sleep(0.001)
    await box.flush()
    assert "".join(sent) == "".join(f"{number} " for number in range(200))
    assert len(sent) < 100  # far fewer frames than pieces, also on a busy machine
