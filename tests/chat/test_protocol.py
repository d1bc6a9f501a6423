"""The chatroom's language, without a socket."""

from typing import Any

import msgspec
import pytest

from chat import protocol
from common.errors import InvalidRequest, PayloadTooLarge, PaymentRequired, RateLimited
from common.money import PicoUsd
from gateway.events import Billed, Delta, Failed, Finished, Started, Usage

LIMIT = 100_000


def decoded(text: str) -> Any:
    return msgspec.json.decode(text)


def test_it_reads_every_message():
    ask = protocol.decode('{"type":"ask","id":"a-1","body":{"model":"acme/one","messages":[]}}', LIMIT)
    assert ask == protocol.Ask(id="a-1", body={"model": "acme/one", "messages": []})
    assert protocol.decode('{"type":"stop","id":"a-1"}', LIMIT) == protocol.Stop(id="a-1")
    bill = protocol.decode('{"type":"bill","id":"a-1","generation_id":"gen-1"}', LIMIT)
    assert bill == protocol.Bill(id="a-1", generation_id="gen-1")
    assert protocol.decode('{"type":"ping"}', LIMIT) == protocol.Ping()


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "hello",
        "[]",
        "null",
        '{"type":"dance"}',
        '{"id":"a"}',
        '{"type":"ask","id":"a"}',
        '{"type":"ask","id":"a","body":[]}',
        '{"type":"ask","id":7,"body":{}}',
        '{"type":"ask","id":"","body":{}}',
        '{"type":"ask","id":"' + "x" * 65 + '","body":{}}',
        '{"type":"ask","id":"a b","body":{}}',
        '{"type":"ask","id":"a\\n","body":{}}',
        '{"type":"stop"}',
        '{"type":"bill","id":"a"}',
        '{"type":"ask","id":"a","body":' + '{"a":' * 5000 + "1" + "}" * 5000 + "}",
        '{"type":"ask","id":"a","body":{"\ud800":1}}',
    ],
)
def test_it_refuses_what_it_does_not_understand(text):
    with pytest.raises(InvalidRequest):
        protocol.decode(text, LIMIT)


def test_it_refuses_what_is_too_large_in_bytes_not_in_characters():
    fits = '{"type":"ask","id":"a","body":{"x":"' + "é" * 20_000 + '"}}'
    assert isinstance(protocol.decode(fits, 50_000), protocol.Ask)
    with pytest.raises(PayloadTooLarge, match="Start a new chat"):
        protocol.decode(fits, 30_000)
    with pytest.raises(PayloadTooLarge):
        protocol.decode("x" * 30_001, 30_000)


def test_deltas_leave_as_one():
    pieces = [
        Delta(reasoning="Let me "),
        Delta(reasoning="think."),
        Delta(text="Yes"),
        Delta(text=", no", images=[{"image_url": {"url": "data:image/png;base64,AA=="}}]),
        Delta(refusal="!"),
    ]
    frame = decoded(protocol.frame("a", protocol.merged(pieces)))
    assert frame == {
        "type": "delta",
        "id": "a",
        "text": "Yes, no",
        "reasoning": "Let me think.",
        "refusal": "!",
        "images": [{"image_url": {"url": "data:image/png;base64,AA=="}}],
    }


def test_the_pieces_of_a_tool_call_leave_as_one_with_what_the_page_shows():
    pieces = [
        Delta(tool_calls=[{"index": 0, "id": "c1", "type": "function", "function": {"name": "look", "arguments": ""}}]),
        Delta(tool_calls=[{"index": 0, "function": {"arguments": '{"a":'}}]),
        Delta(tool_calls=[{"index": 0, "function": {"arguments": "1}"}}]),
        Delta(tool_calls=[{"index": 1, "id": "c2", "function": {"name": "go", "arguments": "{}"}, "secret": "x"}]),
    ]
    assert decoded(protocol.frame("a", protocol.merged(pieces)))["tool_calls"] == [
        {"index": 0, "id": "c1", "name": "look", "arguments": '{"a":1}'},
        {"index": 1, "id": "c2", "name": "go", "arguments": "{}"},
    ]


def test_an_empty_delta_says_nothing_but_its_name():
    assert decoded(protocol.frame("a", Delta())) == {"type": "delta", "id": "a"}


def test_the_other_events_keep_what_the_page_shows():
    started = Started(
        generation_id="gen-1", created=1, model="acme/one", provider="Cheap", provider_slug="cheap", simulated=True
    )
    assert decoded(protocol.frame("a", started)) == {
        "type": "started",
        "id": "a",
        "generation_id": "gen-1",
        "model": "acme/one",
        "provider": "Cheap",
        "simulated": True,
    }
    finished = Finished(finish_reason="length", native_finish_reason="max_tokens")
    assert decoded(protocol.frame("a", finished)) == {"type": "finished", "id": "a", "reason": "length"}
    failed = Failed(status=502, message="The provider broke off.", error_type="provider_unavailable")
    assert decoded(protocol.frame("a", failed)) == {
        "type": "failed",
        "id": "a",
        "status": 502,
        "message": "The provider broke off.",
        "error_type": "provider_unavailable",
    }


def test_money_crosses_as_exact_text():
    billed = Billed(
        usage=Usage(prompt_tokens=3, completion_tokens=5),
        cost=PicoUsd(123_456),
        balance=PicoUsd(9_223_372_036_854_775_807),
        latency_ms=12,
        duration_ms=34,
    )
    frame = decoded(protocol.frame("a", billed))
    assert frame["cost"] == "0.000000123456"
    assert frame["balance"] == "$9,223,372.04"
    assert frame["balance_usd"] == "9223372.036854775807"
    assert frame["can_spend"] is True
    assert frame["usage"]["prompt_tokens"] == 3
    assert (frame["latency_ms"], frame["duration_ms"]) == (12, 34)


def test_an_empty_account_cannot_spend():
    frame = decoded(protocol.ready(PicoUsd(0), {"acme/learns": "Its providers may train on prompts."}, "user_1"))
    assert frame == {
        "type": "ready",
        "balance": "$0.00",
        "balance_usd": "0",
        "can_spend": False,
        "unavailable": ["acme/learns"],
        "reasons": {"acme/learns": "Its providers may train on prompts."},
        "user": "user_1",
    }


def test_a_refusal_names_the_reason_the_remedy_and_when_to_come_back():
    remedy = {"text": "Buy credits", "href": "/settings/credits"}
    frame = decoded(protocol.refused("a", PaymentRequired("Insufficient credits."), remedy))
    assert frame == {
        "type": "refused",
        "id": "a",
        "status": 402,
        "message": "Insufficient credits.",
        "error_type": "payment_required",
        "remedy": remedy,
    }
    later = decoded(protocol.refused(None, RateLimited("Slow down.", headers={"Retry-After": "7"})))
    assert later["retry_after"] == "7"
    assert "id" not in later


def test_the_small_frames_name_their_answer():
    frames = [protocol.accepted("a"), protocol.stopped("a"), protocol.ended("a")]
    assert [decoded(text) for text in frames] == [
        {"type": "accepted", "id": "a"},
        {"type": "stopped", "id": "a"},
        {"type": "ended", "id": "a"},
    ]
    assert decoded(protocol.pong()) == {"type": "pong"}


def test_vectors_are_told_by_their_number_and_size():
    numbers = msgspec.Raw(b"[0.5,-0.25,1,2,3,4,5,6,7,8]")
    sent = decoded(protocol.frame("a", protocol.merged([Delta(vectors=[numbers, numbers])])))
    assert sent["vectors"] == {"count": 2, "dimensions": 10, "start": [0.5, -0.25, 1, 2, 3, 4, 5, 6]}
    packed = msgspec.Raw(b'"AACAPwAAAEA="')
    sent = decoded(protocol.frame("a", Delta(vectors=[packed])))
    assert sent["vectors"] == {"count": 1, "dimensions": 2, "start": "AACAPwAAAEA="}
