"""Responses as providers send them, in samples written from their documentation, and the meaning of each.

Networks cut bodies anywhere: each sample is also read in two pieces cut at every byte, byte by byte, and truncated at
every byte.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from gateway.events import Finished, Usage
from gateway.providers.anthropic.stream import MessagesStream
from gateway.providers.failures import ProviderFailure
from gateway.providers.google.stream import GenerationStream
from gateway.providers.http import UpstreamResponse
from gateway.providers.openai_chat.stream import ChatStream
from gateway.providers.stream import ProviderStream

SAMPLES = Path(__file__).parent / "samples"


class ResponseInPieces(UpstreamResponse):
    """A response whose body arrives in these pieces."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = filter(None, pieces)

    async def read_chunk(self) -> bytes:
        return next(self._pieces, b"")

    async def close(self) -> None:
        pass


@dataclass
class Meaning:
    """The content of a response."""

    text: str = ""
    reasoning: str = ""
    calls: list[tuple[str, str, str]] = field(default_factory=list)  # id, name, arguments
    finish: tuple[str, str] = ("stop", "stop")
    usage: Usage | None = None
    upstream_id: str = ""
    signatures: list[str] = field(default_factory=list)
    refusal: str = ""
    images: list[str] = field(default_factory=list)


def usage(prompt: int, completion: int, reasoning: int = 0, cached: int = 0, written: int = 0, hour: int = 0) -> Usage:
    return Usage(
        prompt_tokens=prompt,
        completion_tokens=completion,
        reasoning_tokens=reasoning,
        cached_tokens=cached,
        cache_write_tokens=written,
        cache_write_1h_tokens=hour,
    )


MEANINGS = {
    "openai.sse": Meaning(
        calls=[("call_a", "get_weather", '{"city":"Zürich"}'), ("call_b", "get_time", "{}")],
        finish=("tool_calls", "tool_calls"),
        usage=usage(81, 37, 5, 64),
        upstream_id="chatcmpl-Ab1",
    ),
    "openai.json": Meaning("Grüezi! 👋", usage=usage(9, 6), upstream_id="chatcmpl-Ab2"),
    "azure.sse": Meaning(
        "It is a", finish=("content_filter", "content_filter"), usage=usage(20, 4), upstream_id="chatcmpl-Az1"
    ),
    "deepseek.sse": Meaning("9.9 > 9.11", "9.9 is larger.", usage=usage(330, 14, 7, 320), upstream_id="0f3c-ds"),
    "groq.sse": Meaning("Yes.", "Easy.", usage=usage(12, 6, 3), upstream_id="chatcmpl-gq"),
    "mistral.sse": Meaning(
        "One moment.",
        "I need the tool.",
        [("D681PevKs", "get_weather", '{"city": "Paris"}')],
        ("tool_calls", "tool_calls"),
        usage(94, 36),
        "cmpl-ms",
    ),
    "together.sse": Meaning("Hello", finish=("stop", "eos"), usage=usage(36, 3), upstream_id="oTg1-together"),
    "fireworks.sse": Meaning("Tokyo — 東京", finish=("length", "length"), usage=usage(25, 6), upstream_id="fw-1"),
    "perplexity.sse": Meaning("Rain falls[1].", usage=usage(7, 4), upstream_id="pplx-1"),
    "xai.sse": Meaning("42", "Sum: 42.", usage=usage(32, 103, 94, 6), upstream_id="xai-1"),
    "moonshot.sse": Meaning("Hello", usage=usage(280, 2, cached=256), upstream_id="cmpl-mk"),
    "openrouter.sse": Meaning(
        "Hi!",
        "Short.",
        finish=("stop", "end_turn"),
        usage=usage(14, 11, 5),
        upstream_id="gen-17",
        signatures=["EqMB"],
    ),
    "anthropic.sse": Meaning(
        "Ich schaue nach … ☂",
        "Weather first, then time.",
        [("toolu_01", "get_weather", '{"city": "Köln"}'), ("toolu_02", "get_time", "{}")],
        ("tool_calls", "tool_use"),
        usage(12 + 1024 + 2048, 89, 21, 2048, 1024),
        "msg_01",
        ["EqQBCg==", "Emw="],
    ),
    "anthropic_hour.sse": Meaning(
        "Noted.", finish=("stop", "end_turn"), usage=usage(7 + 300 + 1500, 4, 0, 300, 1500, 1200), upstream_id="msg_04"
    ),
    "anthropic.json": Meaning(
        "Hi there",
        "Greeting.",
        [("toolu_03", "wave", '{"hands":2}')],
        ("length", "max_tokens"),
        usage(8, 30),
        "msg_03",
        ["Ep4B"],
    ),
    "anthropic_refusal.sse": Meaning(
        "I can",
        finish=("content_filter", "refusal"),
        usage=usage(40, 3),
        upstream_id="msg_02",
        refusal="This was declined.",
    ),
    "gemini.sse": Meaning(
        "Quite warm: 30 °C",
        "**Plan**\n\nLook it up. ",
        [("call_rSp1_0", "get_weather", '{"city":"Málaga"}'), ("fc9", "get_time", "{}")],
        ("tool_calls", "STOP"),
        usage(120, 50, 19, 100),
        "rSp1",
        ["CiQB"],
    ),
    "gemini.json": Meaning(
        "A picture:",
        "Hmm.",
        finish=("length", "MAX_TOKENS"),
        usage=usage(10, 1340, 40),
        upstream_id="rSp3",
        signatures=["CiQC"],
        images=["data:image/png;base64,iVBORw0KGgo="],
    ),
    "gemini_safety.sse": Meaning("Well", finish=("content_filter", "SAFETY"), usage=usage(4, 1), upstream_id="rSp2"),
}


def stream_of(name: str, response: ResponseInPieces) -> ProviderStream:
    """The response, read in the protocol of the sample."""
    if name.startswith("anthropic"):
        return MessagesStream(response)
    return GenerationStream(response) if name.startswith("gemini") else ChatStream(response)


async def read(name: str, pieces: Iterable[bytes]) -> Meaning:
    """The meaning of a sample whose body arrives in these pieces; ProviderFailure when it is truncated."""
    stream = stream_of(name, ResponseInPieces(pieces))
    meaning = Meaning(finish=("", ""))
    calls: dict[int, list[str]] = {}
    finishes = []
    async for batch in stream.batches():
        for event in batch:
            if isinstance(event, Finished):
                finishes.append((event.finish_reason, event.native_finish_reason))
                continue
            meaning.text += event.text
            meaning.reasoning += event.reasoning
            meaning.refusal += event.refusal
            meaning.images += [image["image_url"]["url"] for image in event.images or ()]
            meaning.signatures += list(filter(None, map(signature_of, event.reasoning_details or ())))
            for call in event.tool_calls or ():
                known = calls.setdefault(call["index"], ["", "", ""])
                function = call.get("function") or {}
                for place, value in enumerate((call.get("id"), function.get("name"), function.get("arguments"))):
                    known[place] += value or ""
    await stream.close()
    assert len(finishes) == 1
    meaning.finish = finishes[0]
    meaning.calls = [(call[0], call[1], call[2]) for _, call in sorted(calls.items())]
    meaning.usage, meaning.upstream_id = stream.usage, stream.upstream_id
    return meaning


def signature_of(detail: dict[str, Any]) -> str:
    return detail.get("signature") or detail.get("data") or ""


def test_every_sample_has_a_meaning():
    assert {path.name for path in SAMPLES.iterdir()} == set(MEANINGS)


@pytest.mark.parametrize("name", MEANINGS)
async def test_a_sample_is_read(name):
    assert await read(name, [(SAMPLES / name).read_bytes()]) == MEANINGS[name]


@pytest.mark.parametrize("name", MEANINGS)
async def test_a_sample_is_read_wherever_it_is_cut(name):
    body = (SAMPLES / name).read_bytes()
    assert await read(name, [body[at : at + 1] for at in range(len(body))]) == MEANINGS[name]
    for at in range(len(body)):
        assert await read(name, [body[:at], body[at:]]) == MEANINGS[name], at


@pytest.mark.parametrize("name", MEANINGS)
async def test_a_truncated_sample_is_never_taken_for_a_complete_one(name):
    body, wanted = (SAMPLES / name).read_bytes(), MEANINGS[name]
    failures = 0
    for at in range(len(body)):
        try:
            meaning = await read(name, [body[:at]])
        except ProviderFailure as failure:
            assert failure.status == 502
            failures += 1
        else:  # only what follows the finish reason was lost
            assert (meaning.text, meaning.calls, meaning.finish) == (wanted.text, wanted.calls, wanted.finish), at
    assert failures > len(body) / 2


@pytest.mark.parametrize("name", [name for name in MEANINGS if name.endswith(".sse")])
async def test_the_first_events_of_a_stream_do_not_wait_for_the_last(name):
    body = (SAMPLES / name).read_bytes()
    halfway = body.rindex(b"\n", 0, len(body) // 2 + len(body) // 4) + 1

    class Stalled(ResponseInPieces):
        async def read_chunk(self) -> bytes:
            return await super().read_chunk() or await asyncio.sleep(60, b"")

    batches = stream_of(name, Stalled([body[:halfway]])).batches()
    async with asyncio.timeout(30):
        assert await anext(batches)
    await batches.aclose()
