"""Chunks of a stream: text alone is written by a shorter way than the rest, to the same effect."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.events import Delta, Finished, Started
from gateway.http_responses import EventStream
from gateway.protocols.chat_completions.request import parse
from gateway.protocols.chat_completions.sse import SseEncoder
from gateway.protocols.table import CHAT_COMPLETIONS

#: What each field of a delta may have beside its text.
BESIDE_TEXT: dict[str, Any] = {
    "reasoning": "Hm.",
    "reasoning_details": [{"type": "reasoning.text", "text": "Hm."}],
    "tool_calls": [{"index": 0, "function": {"name": "look", "arguments": ""}}],
    "refusal": "No.",
    "annotations": [{"type": "url_citation"}],
    "citations": [],
    "images": [{"type": "image_url"}],
    "logprobs": {"content": []},
    "vectors": [msgspec.Raw(b"[1]")],
    "ranking": [(0, 0.5)],
}


def started(**fields: Any) -> Started:
    return Started(
        generation_id="gen-1", created=1, model="acme/one", provider='A "content":"" provider',
        provider_slug="a", simulated=True, **fields,
    )  # fmt: skip


def chunk_of(data: bytes) -> dict[str, Any]:
    assert data.startswith(b"data: ") and data.endswith(b"\n\n") and data.count(b"\n") == 2
    chunk: dict[str, Any] = json.loads(data[6:])
    return chunk


def test_every_field_beside_the_text_makes_a_delta_more_than_text():
    fields = set(Delta.__struct_fields__) - {"text", "index"}
    assert fields == BESIDE_TEXT.keys()
    assert Delta(text="Hello", index=1).is_only_text
    assert not Delta().is_only_text
    for field, value in BESIDE_TEXT.items():
        assert not Delta(text="Hello", **{field: value}).is_only_text, field


@given(
    texts=st.lists(st.tuples(st.text(min_size=1), st.integers(0, 2)), min_size=1, max_size=6),
    fingerprint=st.none() | st.text(min_size=1),
    service_tier=st.sampled_from([None, "flex"]),
)
def test_chunks_of_text_alone_are_as_those_with_more(texts, fingerprint, service_tier):
    start = started(system_fingerprint=fingerprint, service_tier=service_tier)
    encoder = SseEncoder(choices=3)
    encoder.encode(start)
    begun = set()
    for text, index in texts:
        chunk = chunk_of(encoder.encode(Delta(text=text, index=index)))
        role = {} if index in begun else {"role": "assistant"}
        begun.add(index)
        optional = {"system_fingerprint": fingerprint, "service_tier": service_tier}
        assert chunk == {
            "id": "gen-1",
            "object": "chat.completion.chunk",
            "created": 1,
            "model": "acme/one",
            "provider": start.provider,
            "choices": [
                {
                    "index": index,
                    "delta": {**role, "content": text},
                    "finish_reason": None,
                    "native_finish_reason": None,
                }
            ],
            **{name: value for name, value in optional.items() if value},
        }


@pytest.mark.parametrize("functions", [False, True])
def test_a_text_with_calls_keeps_its_calls(functions):
    encoder = SseEncoder(functions=functions)
    encoder.encode(started())
    encoder.encode(Delta(text="First"))
    delta = chunk_of(encoder.encode(Delta(text="Then", tool_calls=BESIDE_TEXT["tool_calls"])))["choices"][0]["delta"]
    assert delta["content"] == "Then"
    assert ("function_call" in delta, "tool_calls" in delta) == (functions, not functions)


async def test_events_that_arrived_together_are_sent_together():
    async def pieces():
        yield [Delta(text="One"), Delta(text=" two")]
        yield [Delta(text=" three"), Finished(finish_reason="stop", native_finish_reason="stop")]

    sent: list[bytes] = []

    async def send(message):
        sent.append(message.get("body", b""))

    request = parse({"messages": [{"role": "user", "content": "Count"}], "stream": True})
    await EventStream(started(), pieces(), request, CHAT_COMPLETIONS, {}).stream_response(send)
    assert [body.count(b"data: ") for body in sent] == [0, 2, 2, 1]
    chunks = [json.loads(line[6:]) for line in b"".join(sent).split(b"\n\n")[:-2]]
    assert "".join(chunk["choices"][0]["delta"]["content"] for chunk in chunks) == "One two three"
    assert sent[-1] == b"data: [DONE]\n\n"
