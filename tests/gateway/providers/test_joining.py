"""Texts of a stream that arrived together are parsed as one, and mean what they mean one by one."""

import json
from contextlib import aclosing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.events import Delta, Event, Finished, joined
from gateway.providers.anthropic.stream import MessagesStream
from gateway.providers.google.stream import GenerationStream
from gateway.providers.joining import PayloadJoiner
from gateway.providers.openai_chat.stream import ChatStream
from gateway.providers.stream import ProviderStream
from tests.gateway.providers.test_samples import ResponseInPieces


def openai(field: str, words: str, upstream_id: str = "1") -> dict[str, Any]:
    if field == "call":
        delta: dict[str, Any] = {"tool_calls": [{"index": 0, "id": "a", "function": {"name": "f", "arguments": words}}]}
    else:
        delta = {{"text": "content", "reasoning": "reasoning_content"}[field]: words}
    return {"id": upstream_id, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}


def anthropic(field: str, words: str, upstream_id: str = "1") -> dict[str, Any]:
    if field == "call":
        delta = {"type": "input_json_delta", "partial_json": words}
    else:
        kind, name = {"text": ("text_delta", "text"), "reasoning": ("thinking_delta", "thinking")}[field]
        delta = {"type": kind, name: words}
    return {"type": "content_block_delta", "index": 0, "delta": delta, "id": upstream_id}


def google(field: str, words: str, upstream_id: str = "1") -> dict[str, Any]:
    if field == "call":
        part: dict[str, Any] = {"functionCall": {"name": "f", "args": {"q": words}}}
    else:
        part = {"text": words, **({"thought": True} if field == "reasoning" else {})}
    return {"candidates": [{"content": {"parts": [part], "role": "model"}, "index": 0}], "responseId": upstream_id}


END = {
    openai: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
    anthropic: {"type": "message_delta", "delta": {"stop_reason": "end_turn"}},
    google: {"candidates": [{"index": 0, "finishReason": "STOP"}]},
}
STREAMS: dict[Any, type[ProviderStream]] = {openai: ChatStream, anthropic: MessagesStream, google: GenerationStream}

#: Words with all that JSON escapes; characters cut into halves by a provider that sends them escaped.
words = st.lists(st.sampled_from(['"', "\\", "\n", "é", "\ud83d", "\ude00", " and", "stop", "1", "a b"]), max_size=3)
chunks = st.tuples(
    st.sampled_from(["text", "text", "text", "reasoning", "call"]), words.map("".join), st.sampled_from(["1", "1", "2"])
)


@pytest.mark.parametrize("protocol", [openai, anthropic, google])
@given(response=st.lists(st.tuples(chunks, st.booleans()), max_size=30), compact=st.booleans())
async def test_texts_that_arrive_together_mean_what_they_mean_one_by_one(protocol, response, compact):
    separators = (",", ":") if compact else (", ", ": ")
    texts = [json.dumps(protocol(*chunk), separators=separators).encode() for chunk, _ in response]
    packets: list[list[bytes]] = [[]]
    for text, (_, is_last) in zip(texts, response, strict=True):
        packets[-1].append(text)
        if is_last:
            packets.append([])
    end = json.dumps(END[protocol]).encode()
    together = await events_of(STREAMS[protocol], [*packets, [end]])
    alone = await events_of(STREAMS[protocol], [*([text] for text in texts), [end]])
    assert normalized(together) == normalized(alone)


async def events_of(kind: type[ProviderStream], packets: list[list[bytes]]) -> list[Event]:
    pieces = [b"".join(b"data: " + text + b"\n\n" for text in packet) for packet in packets]
    async with aclosing(kind(ResponseInPieces(pieces)).batches()) as batches:
        return [event async for batch in batches for event in batch]


def normalized(events: list[Any]) -> list[Delta | Finished]:
    """The events with neighboring words joined, whichever way they were cut."""
    return joined([event for event in events if event != Delta(index=event.index)])


async def test_words_that_arrived_together_are_one_delta():
    texts = [json.dumps(openai("text", text)).encode() for text in ("One", " two", ' "three"', "\nfour", "")]
    end = json.dumps(END[openai]).encode()
    deltas = [event for event in await events_of(ChatStream, [[*texts, end]]) if isinstance(event, Delta)]
    assert deltas == [Delta(text="One"), Delta(text=' two "three"\nfour')]


def test_only_what_differs_in_its_words_alone_is_joined():
    joiner = PayloadJoiner()
    assert list(joiner.join([b'{"t":"a"}', b'{"t":"b"}'])) == [b'{"t":"a"}', b'{"t":"b"}']  # it knows nothing yet
    joiner.learn(b'{"t":"a"}', [Delta(text="a")])
    assert list(joiner.join([b'{"t":"b"}', b'{"t":"c"}', b'{"t":"d","n":1}', b'{"t":"e"}', b'{"t":""}'])) == [
        b'{"t":"bc"}', b'{"t":"d","n":1}', b'{"t":"e"}'
    ]  # fmt: skip
    assert list(joiner.join([b'{"t":"b"}', rb'{"t":"\"}', b'{"t":"",u:""}'])) == [
        b'{"t":"b"}', rb'{"t":"\"}', b'{"t":"",u:""}'
    ]  # fmt: skip


@pytest.mark.parametrize("odd", [b'{"t":"a","t":"b"}', rb'{"t":"\"}', rb'{"t":"\u00"}', b'{"t":"}'])
def test_a_text_that_is_no_string_between_the_same_is_not_joined(odd):
    joiner = PayloadJoiner()
    joiner.learn(b'{"t":"a"}', [Delta(text="a")])
    assert list(joiner.join([b'{"t":"b"}', odd])) == [b'{"t":"b"}', odd]
    assert list(joiner.join([odd])) == [odd]
    assert list(joiner.join([])) == []


@pytest.mark.parametrize(
    ("payload", "event"),
    [
        (b'{"a":"a","t":"a"}', Delta(text="a")),  # twice: which of them is the text?
        (b'{"t":"a"}', Delta(text="a", refusal="no")),
        (b'{"t":"a","f":"stop"}', Finished(finish_reason="stop", native_finish_reason="stop")),
        (b'{"t":""}', Delta()),
    ],
)
def test_nothing_is_learned_from_a_text_that_says_more_or_twice_the_same(payload, event):
    joiner = PayloadJoiner()
    joiner.learn(payload, [event])
    assert list(joiner.join([payload, payload])) == [payload, payload]


def test_a_stream_whose_texts_all_differ_is_soon_left_alone():
    joiner = PayloadJoiner()
    for number in range(PayloadJoiner.LESSONS):
        joiner.learn(b'{"t":"a","n":%d}' % number, [Delta(text="a")])
    joiner.learn(b'{"t":"a","n":99}', [Delta(text="a")])
    assert list(joiner.join([b'{"t":"b","n":99}'] * 2)) == [b'{"t":"b","n":99}'] * 2
