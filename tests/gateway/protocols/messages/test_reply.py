"""Responses in the Messages protocol: their blocks and their end."""

from typing import Any

import msgspec
import pytest

from common.money import PicoUsd
from gateway.events import Billed, Delta, Failed, Finished, Started, Usage
from gateway.protocols.messages.blocks import BlockWriter, content_of
from gateway.protocols.messages.reply import MessagesEncoder, gather
from gateway.protocols.messages.request import Asked
from gateway.protocols.reasoning import detail_in
from tests.gateway.native import PNG
from tests.wire import check

from .examples import events_in


def content(*deltas: Delta) -> list[dict[str, Any]]:
    writer = BlockWriter()
    blocks: list[dict[str, Any]] = []
    for delta in deltas:
        content_of(writer.changes(delta), blocks)
    content_of(writer.end(), blocks)
    return blocks


def piece(number: int, arguments: str, **fields: Any) -> Delta:
    function = {"arguments": arguments, **({"name": fields.pop("name")} if "name" in fields else {})}
    return Delta(tool_calls=[{"index": number, "function": function, **fields}])


def test_tool_calls_whose_arguments_come_in_turns_are_whole():
    blocks = content(
        Delta(text="Hi"), piece(0, "", id="a", name="one"), piece(1, '{"x"', id="b", name="two"), piece(0, '{"y":1}'),
        piece(1, ":2}"), Delta(text="!"),
    )  # fmt: skip
    assert [block["type"] for block in blocks] == ["text", "tool_use", "tool_use", "text"]
    assert [block["input"] for block in blocks[1:3]] == [{"y": 1}, {"x": 2}]


def test_reasoning_keeps_its_signatures_and_opaque_details():
    detail = {"type": "reasoning.text", "format": "anthropic-claude-v1", "index": 0}
    foreign = {"type": "reasoning.encrypted", "data": "x", "format": "google-gemini-v1", "index": 1}
    blocks = content(
        Delta(reasoning="We", reasoning_details=[detail | {"text": "We"}]),
        Delta(reasoning_details=[detail | {"text": "", "signature": "sig"}]),
        Delta(reasoning_details=[foreign]),
        Delta(text="ather"),
    )
    assert blocks[0] == {"type": "thinking", "thinking": "We", "signature": "sig"}
    assert detail_in(blocks[1]["data"]) == foreign
    assert blocks[2]["text"] == "ather"


def test_an_image_that_the_model_made_is_shown_in_the_text():
    made = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    assert content(Delta(text="Look: "), Delta(images=[made])) == [
        {"type": "text", "text": f"Look: ![image](data:image/png;base64,{PNG})", "citations": None}
    ]


STARTED = Started(generation_id="gen-1", created=1, model="acme/one", provider="A", provider_slug="a", simulated=False)
BILLED = Billed(usage=Usage(), cost=PicoUsd(0), balance=PicoUsd(0), latency_ms=1, duration_ms=1)


@pytest.mark.parametrize(
    ("finish", "stops", "reason", "sequence"),
    [
        (("stop", "stop", "5"), ["4", "5"], "stop_sequence", "5"),
        (("stop", "stop_sequence", None), ["5"], "stop_sequence", "5"),
        (("stop", "stop_sequence", None), ["4", "5"], "stop_sequence", None),
        (("stop", "stop", "</s>"), ["5"], "end_turn", None),  # the end of the model's own, told in the same field
        (("stop", "stop", None), ["5"], "end_turn", None),
        (("length", "max_tokens", None), [], "max_tokens", None),
        (("content_filter", "SAFETY", None), [], "refusal", None),
        (("tool_calls", "STOP", None), [], "tool_use", None),
    ],
)
def test_the_reason_to_stop_names_the_sequence_where_it_is_known(finish, stops, reason, sequence):
    ended = Finished(finish_reason=finish[0], native_finish_reason=finish[1], stop_sequence=finish[2])
    events = [STARTED, Delta(text="4"), ended, BILLED]
    whole = gather(events, asked=Asked(stops=tuple(stops)))
    assert (whole["stop_reason"], whole["stop_sequence"]) == (reason, sequence)
    encoder = MessagesEncoder(asked=Asked(stops=tuple(stops)))
    streamed = events_in(b"".join(map(encoder.encode, events)).decode())
    assert (streamed[-2]["delta"]["stop_reason"], streamed[-2]["delta"]["stop_sequence"]) == (reason, sequence)


def test_a_message_without_a_bill_ends_with_its_reason_and_no_counts():
    events = [STARTED, Delta(text="Hi"), Finished(finish_reason="stop", native_finish_reason="stop")]
    encoder = MessagesEncoder()
    sent = events_in((b"".join(map(encoder.encode, events)) + encoder.end()).decode())
    assert [event["type"] for event in sent[-3:]] == ["content_block_stop", "message_delta", "message_stop"]
    whole = gather(events)
    assert sent[-2]["delta"]["stop_reason"] == whole["stop_reason"] == "end_turn"
    assert sent[-2]["usage"] == whole["usage"] and whole["usage"]["output_tokens"] == 0
    check("POST /messages", 200, whole)
    failed = MessagesEncoder()
    failed.encode(STARTED)
    failed.encode(Failed(status=502, message="Lost.", error_type="provider_unavailable"))
    assert failed.end() == b""


@pytest.mark.parametrize(("served", "told"), [("priority", "priority"), ("flex", "standard"), (None, "standard")])
def test_the_tier_that_served_is_told_in_the_protocols_words(served, told):
    started = msgspec.structs.replace(STARTED, service_tier=served)
    whole = gather([started, BILLED])["usage"]
    assert whole["service_tier"] == told and whole["speed"] == ("fast" if told == "priority" else "standard")
    encoder = MessagesEncoder()
    sent = events_in((encoder.encode(started) + encoder.encode(BILLED)).decode())
    assert sent[-2]["usage"]["service_tier"] == told
