"""How often a page is written to."""

import asyncio
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from chat.answers import delta_buffer
from chat.answers.delta_buffer import FAST, FAST_PAUSE_SECONDS, PAUSE_SECONDS, DeltaBuffer
from gateway.events import Delta, Finished
from tests.support.processes import wait_until


@pytest.fixture
def no_time_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    """However busy the machine is, the pause is not over before its timer says so."""
    monkeypatch.setattr(delta_buffer, "time", SimpleNamespace(monotonic=lambda: 1_000.0))


def buffer() -> tuple[DeltaBuffer, list[dict[str, Any]]]:
    sent: list[dict[str, Any]] = []

    async def send(text: str) -> None:
        sent.append(msgspec.json.decode(text))

    return DeltaBuffer("a", send), sent


async def test_the_first_delta_leaves_at_once():
    buffered, sent = buffer()
    await buffered.put(Delta(text="H"))
    assert [frame["text"] for frame in sent] == ["H"]


async def test_what_follows_within_the_pause_leaves_together_and_by_itself(no_time_passes):
    buffered, sent = buffer()
    for letter in "Hello":
        await buffered.put(Delta(text=letter))
    assert [frame["text"] for frame in sent] == ["H"]
    await asyncio.to_thread(wait_until, lambda: len(sent) > 1, "what follows")
    assert [frame["text"] for frame in sent] == ["H", "ello"]


async def test_another_event_takes_what_is_waiting_with_it(no_time_passes):
    buffered, sent = buffer()
    for letter in "Hi!":
        await buffered.put(Delta(text=letter))
    await buffered.put(Finished(finish_reason="stop", native_finish_reason="stop"))
    assert [frame.get("text", frame["type"]) for frame in sent] == ["H", "i!", "finished"]
    await asyncio.sleep(PAUSE_SECONDS * 2)
    assert len(sent) == 3


async def test_the_pause_is_longer_while_text_comes_faster_than_anyone_reads(
    no_time_passes, monkeypatch: pytest.MonkeyPatch
):
    buffered, _ = buffer()
    pauses: list[float] = []

    async def note(pause: float) -> None:
        pauses.append(pause)

    monkeypatch.setattr(buffered, "_send_after", note)
    for text in ("x" * int(FAST * PAUSE_SECONDS + 1), "x", "x"):
        await buffered.put(Delta(text=text))  # the first one leaves at once
        await asyncio.sleep(0)
        await buffered.flush()
    assert pauses == pytest.approx([FAST_PAUSE_SECONDS, PAUSE_SECONDS])


async def test_a_slow_page_loses_nothing_and_keeps_the_order():
    sent: list[str] = []

    async def send(text: str) -> None:
        await asyncio.sleep(0.02)
        sent.append(msgspec.json.decode(text).get("text", ""))

    buffered = DeltaBuffer("a", send)
    for number in range(200):
        await buffered.put(Delta(text=f"{number} "))
        await asyncio.sleep(0.001)
    await buffered.flush()
    assert "".join(sent) == "".join(f"{number} " for number in range(200))
    assert len(sent) < 100  # far fewer frames than pieces, also on a busy machine
