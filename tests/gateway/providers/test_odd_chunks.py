"""Streams with chunks that are not quite of the protocol: what can be read is, and nothing ends a response."""

import json
from collections.abc import Sequence
from contextlib import aclosing
from typing import Any

import pytest

from gateway.events import Delta, Finished, Usage
from gateway.protocols.chat_completions.reply import gather
from gateway.providers.anthropic.stream import MessagesStream
from gateway.providers.failures import ProviderFailure
from gateway.providers.google.stream import GenerationStream
from gateway.providers.openai_chat.stream import ChatStream
from gateway.providers.stream import ProviderStream
from tests.gateway.providers.test_samples import ResponseInPieces

END = {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3, "completion_tokens": 2}}


def said(text: str, **fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text, **fields}}]}


def called(*pieces: dict[str, Any]) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"tool_calls": list(pieces)}}]}


def piece(arguments: Any = "", /, *, name: str = "", **fields: Any) -> dict[str, Any]:
    return {"function": {"name": name, "arguments": arguments} if name else {"arguments": arguments}, **fields}


def stream_of(kind: type[ProviderStream], chunks: Sequence[Any]) -> ProviderStream:
    """A stream of JSON values; of bytes, as they are."""
    texts = [chunk if isinstance(chunk, bytes) else json.dumps(chunk).encode() for chunk in chunks]
    return kind(ResponseInPieces([b"data: " + text + b"\n\n" for text in texts]))


async def message_in(*chunks: Any, whole: bool = False) -> dict[str, Any]:
    """The message that a caller gets of these chunks of OpenAI's protocol, and of one body."""
    stream = ChatStream(ResponseInPieces([json.dumps(chunks[0]).encode()])) if whole else stream_of(ChatStream, chunks)

    async with aclosing(stream.batches()) as batches:
        events = [event async for batch in batches for event in batch]
    return gather(events)["choices"][0]["message"]


async def calls_in(*chunks: Any, whole: bool = False) -> list[tuple[str, str, str]]:
    message = await message_in(*chunks, whole=whole)
    return [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in message["tool_calls"]]


# --- Tool calls ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("native", "reason"),
    [("stop", "tool_calls"), ("eos", "tool_calls"), ("tool_calls", "tool_calls"), ("length", "length")],
)
async def test_a_response_with_calls_has_stopped_for_them_whatever_the_provider_says(native, reason):
    chunks = [called(piece("{}", name="a", id="1")), {"choices": [{"delta": {}, "finish_reason": native}]}]
    async with aclosing(stream_of(ChatStream, chunks).batches()) as batches:
        finishes = [event async for batch in batches for event in batch if isinstance(event, Finished)]
    assert [(event.finish_reason, event.native_finish_reason) for event in finishes] == [(reason, native)]


PARALLEL = {
    "all numbered 0": [
        piece(name="a", id="1", index=0), piece("{}", index=0),
        piece(name="b", id="2", index=0), piece('{"q":1}', index=0),
    ],
    "not numbered": [piece(name="a", id="1"), piece("{}"), piece(name="b", id="2"), piece('{"q":1}')],
    "interleaved": [
        piece(name="a", id="1", index=0), piece(name="b", id="2", index=1),
        piece('{"q":', index=1), piece("{}", index=0), piece("1}", index=1),
    ],
    "ID and name repeated": [
        piece("{", name="a", id="1"), piece("}", name="a", id="1"), piece('{"q":1}', name="b", id="2"),
    ],
    "another ID for each piece": [
        piece(name="a", id="1", index=0), piece("{}", id="9", index=0),
        piece(name="b", id="2", index=1), piece('{"q":1}', id="8", index=1),
    ],
    "an object, and odd numbers": [
        piece(name="b", id="2", index=3), piece({"q": 1}, index=3), piece("{}", name="a", id="1", index=7),
    ],
}  # fmt: skip


@pytest.mark.parametrize("case", PARALLEL)
async def test_parallel_tool_calls_are_told_apart(case):
    calls = await calls_in(*[called(one) for one in PARALLEL[case]], END)
    assert sorted(calls) == [("1", "a", "{}"), ("2", "b", '{"q":1}')]


async def test_tool_calls_without_ids_are_numbered_by_their_order_and_get_ids():
    calls = await calls_in(called(piece("{}", name="a")), called(piece('{"q":', name="a")), called(piece("1}")), END)
    assert [call[1:] for call in calls] == [("a", "{}"), ("a", '{"q":1}')]
    assert all(call[0] for call in calls) and calls[0][0] != calls[1][0]


async def test_calls_of_a_whole_message_are_separate_whatever_their_ids():
    message = {"tool_calls": [piece("{}", name="a", id="x"), piece('{"q":1}', name="a", id="x")]}
    calls = await calls_in({"choices": [{"message": message, "finish_reason": "tool_calls"}]}, whole=True)
    assert [call[1:] for call in calls] == [("a", "{}"), ("a", '{"q":1}')]
    assert calls[0][0] == "x" != calls[1][0]


@pytest.mark.parametrize("arguments", ["", None, " "])
@pytest.mark.parametrize("whole", [True, False])
async def test_a_call_without_arguments_has_an_empty_object(arguments, whole):
    call = piece(arguments, name="now", id="1", index=0)
    if whole:
        body = {"choices": [{"message": {"tool_calls": [call]}, "finish_reason": "tool_calls"}]}
        ((_, _, sent),) = await calls_in(body, whole=True)
    else:
        ((_, _, sent),) = await calls_in(called(call), END)
    assert json.loads(sent) == {}


# --- Characters ---------------------------------------------------------------------------------------

HIGH, LOW = r"\ud83d", r"\ude00"


def openai_text(text: str) -> bytes:
    return b'{"choices":[{"delta":{"content":"%s"}}]}' % text.encode()


def anthropic_text(text: str) -> bytes:
    return b'{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"%s"}}' % text.encode()


def google_text(text: str) -> bytes:
    return b'{"candidates":[{"content":{"parts":[{"text":"%s"}]}}]}' % text.encode()


PROTOCOLS = [
    pytest.param(ChatStream, openai_text, END, id="openai"),
    pytest.param(
        MessagesStream, anthropic_text, {"type": "message_delta", "delta": {"stop_reason": "end_turn"}}, id="anthropic"
    ),
    pytest.param(GenerationStream, google_text, {"candidates": [{"finishReason": "STOP"}]}, id="google"),
]


async def text_and_finishes(stream: ProviderStream) -> tuple[str, int]:
    text, finishes = "", 0
    async with aclosing(stream.batches()) as batches:
        async for batch in batches:
            text += "".join(event.text for event in batch if isinstance(event, Delta))
            finishes += sum(isinstance(event, Finished) for event in batch)
    text.encode()  # whole characters only
    return text, finishes


@pytest.mark.parametrize(("kind", "text", "end"), PROTOCOLS)
@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["Hi " + HIGH, LOW + "!"], "Hi \U0001f600!"),
        ([HIGH, LOW + HIGH, LOW], "\U0001f600\U0001f600"),
        (["Hi " + HIGH, "!"], "Hi \ufffd!"),
        (["Hi", LOW + "!"], "Hi\ufffd!"),
        (["Hi", HIGH], "Hi\ufffd"),
        ([HIGH + LOW], "\U0001f600"),
    ],
)
async def test_a_character_cut_in_two_is_joined_or_replaced(kind, text, end, texts, expected):
    assert await text_and_finishes(stream_of(kind, [*map(text, texts), end])) == (expected, 1)


@pytest.mark.parametrize(("kind", "text", "end"), PROTOCOLS)
async def test_bytes_that_are_no_character_are_replaced(kind, text, end):
    broken = text("Hi X!").replace(b"X", b"\xf0\x9f")
    assert await text_and_finishes(stream_of(kind, [broken, end])) == ("Hi \ufffd!", 1)


# --- Other odd chunks ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "odd",
    [
        b"null", b"5", b'"text"', b"[]", b"{", b"not JSON", {"choices": None}, {"choices": "x"}, {"choices": [None]},
        {"choices": [{"delta": "x"}]}, {"id": 7, "choices": [], "system_fingerprint": 1.5}, {"usage": "many"},
        {"choices": [{"delta": {"content": {"no": "text"}}}]}, {"choices": [{"delta": {"tool_calls": "x"}}]},
        {"choices": [{"index": "first", "delta": {"refusal": False, "reasoning_details": "x"}}]},
    ],
    ids=str,
)  # fmt: skip
async def test_an_odd_chunk_in_a_response_changes_nothing(odd):
    stream = stream_of(ChatStream, [said("Hello"), odd, said(" there"), END])
    assert await text_and_finishes(stream) == ("Hello there", 1)
    assert stream.usage == Usage(prompt_tokens=3, completion_tokens=2)


async def test_odd_fields_are_left_out_and_numbers_read_as_names():
    odd = said("Hi", refusal=False, reasoning_details="x") | {"id": 123, "system_fingerprint": 4}
    stream = stream_of(ChatStream, [odd, END])
    assert await text_and_finishes(stream) == ("Hi", 1)
    assert (stream.upstream_id, stream.system_fingerprint, stream.skipped) == ("123", "4", 0)


async def test_skipped_texts_are_counted_and_logged_without_their_content(caplog):
    stream = stream_of(ChatStream, [said("Hi"), b"secret", b"null", END])
    await text_and_finishes(stream)
    assert stream.skipped == 2
    assert "skipped 2 texts" in caplog.text and "secret" not in caplog.text


async def test_a_response_that_begins_with_something_else_is_left_to_the_next_provider():
    with pytest.raises(ProviderFailure, match="502"):
        await text_and_finishes(stream_of(ChatStream, [b"Service unavailable", said("Hi"), END]))


@pytest.mark.parametrize(
    ("kind", "chunks"),
    [
        (ChatStream, [called(piece({"q": "a\ud83d"}, name="f", id="1")), END]),
        (
            GenerationStream,
            [
                {"candidates": [{"content": {"parts": [{"functionCall": {"name": "f", "args": {"q": "a\ud83d"}}}]}}]},
                {"candidates": [{"finishReason": "STOP"}]},
            ],
        ),
    ],
)
async def test_half_a_character_in_arguments_that_are_an_object_ends_no_response(kind, chunks):
    async with aclosing(stream_of(kind, chunks).batches()) as batches:
        deltas = [event async for batch in batches for event in batch if isinstance(event, Delta)]
    (call,) = [call for delta in deltas for call in delta.tool_calls or ()]
    assert json.loads(call["function"]["arguments"]) == {"q": "a\N{REPLACEMENT CHARACTER}"}


async def test_half_a_character_in_the_input_of_a_whole_message_ends_no_response():
    use = {"type": "tool_use", "id": "1", "name": "f", "input": {"q": "\ude00b"}}
    message = {"type": "message", "role": "assistant", "content": [use], "stop_reason": "tool_use"}
    stream = MessagesStream(ResponseInPieces([json.dumps(message).encode()]))
    async with aclosing(stream.batches()) as batches:
        deltas = [event async for batch in batches for event in batch if isinstance(event, Delta)]
    (call,) = [call for delta in deltas for call in delta.tool_calls or ()]
    assert json.loads(call["function"]["arguments"]) == {"q": "\N{REPLACEMENT CHARACTER}b"}
