"""Reasoning makes the round trip: as a provider sent it, through a caller's protocol, and back to the provider."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest

from common.errors import InvalidRequest
from common.money import PicoUsd
from gateway.events import Billed, Event, Started, Usage
from gateway.protocols.chat_completions.request import ChatRequest, parse
from gateway.protocols.reasoning import text_for
from gateway.protocols.table import CHAT_COMPLETIONS, MESSAGES
from gateway.providers.anthropic.request import request_body as anthropic_body
from gateway.providers.anthropic.stream import MessagesStream
from gateway.providers.google.request import request_body as google_body
from gateway.providers.google.stream import GenerationStream
from gateway.providers.openai_chat.request import request_body as openai_body
from gateway.providers.openai_chat.stream import ChatStream
from gateway.providers.request_context import ProviderRequest
from gateway.providers.stream import ProviderStream
from gateway.routing.plan import Attempt
from tests.gateway.native import CALLER, PNG, attempt, message_of
from tests.gateway.protocols.messages.examples import events_in
from tests.gateway.protocols.messages.examples import message_of as content_of_stream
from tests.gateway.providers.test_odd_chunks import stream_of
from tests.wire import problems

QUESTION = {"role": "user", "content": "Hi"}
STARTED = Started(generation_id="gen-1", created=1, model="acme/one", provider="A", provider_slug="a", simulated=False)
BILLED = Billed(usage=Usage(), cost=PicoUsd(0), balance=PicoUsd(0), latency_ms=1, duration_ms=1)


def to_claude(request: ChatRequest) -> Any:
    return anthropic_body(ProviderRequest(request, attempt("claude-haiku-4-5"), CALLER, None), {})["messages"][1]


def to_gemini(request: ChatRequest) -> Any:
    return google_body(ProviderRequest(request, attempt("gemini-3-pro"), CALLER, None), {})["contents"][1]


def to(provider: str) -> Callable[[ChatRequest], Any]:
    """The message that a provider of OpenAI's protocol gets."""

    def body(request: ChatRequest) -> Any:
        return openai_body(ProviderRequest(request, attempt("one", provider=provider), CALLER, None))["messages"][1]

    return body


@dataclass
class Kind:
    """A response with reasoning, in chunks; what the caller gets of it, and what each provider gets back."""

    stream: type[ProviderStream]
    chunks: list[Any]
    reasoning: str
    details: list[dict[str, Any]]
    sent: list[tuple[Callable[[ChatRequest], Any], Any]]


def claude(kind: str, index: int, **fields: Any) -> dict[str, Any]:
    return {"type": f"content_block_{kind}", "index": index, **fields}


CLAUDE = [
    {"type": "message_start", "message": {"id": "msg_1", "usage": {"input_tokens": 1, "output_tokens": 1}}},
    claude("start", 0, content_block={"type": "thinking", "thinking": "", "signature": ""}),
    claude("delta", 0, delta={"type": "thinking_delta", "thinking": "Rain "}),
    claude("delta", 0, delta={"type": "thinking_delta", "thinking": "first."}),
    claude("delta", 0, delta={"type": "signature_delta", "signature": "c2ln"}),
    claude("stop", 0),
    claude("start", 1, content_block={"type": "redacted_thinking", "data": "b3BhcXVl"}),
    claude("stop", 1),
    claude("start", 2, content_block={"type": "thinking", "thinking": "", "signature": ""}),
    claude("delta", 2, delta={"type": "signature_delta", "signature": "dHdv"}),
    claude("stop", 2),
    claude("start", 3, content_block={"type": "text", "text": ""}),
    claude("delta", 3, delta={"type": "text_delta", "text": "A moment."}),
    claude("stop", 3),
    claude("start", 4, content_block={"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}),
    claude("delta", 4, delta={"type": "input_json_delta", "partial_json": '{"at":"sky"}'}),
    claude("stop", 4),
    {"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 9}},
    {"type": "message_stop"},
]


def gemini(*parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"candidates": [{"content": {"parts": list(parts)}, **fields}], "responseId": "r1"}


GEMINI_CALLS = [
    {"functionCall": {"id": "a", "name": "look", "args": {"at": "sky"}}, "thoughtSignature": "Y2FsbA=="},
    {"functionCall": {"id": "b", "name": "look", "args": {"at": "sea"}}},
]
GEMINI_IMAGE = {"inlineData": {"mimeType": "image/png", "data": PNG}, "thoughtSignature": "aW1n"}


def openai(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"id": "c1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


def detail(kind: str, written: str, index: int = 0, **fields: Any) -> dict[str, Any]:
    return {"type": f"reasoning.{kind}", "format": written, "index": index, "id": None, **fields}


CALL = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
SUMMARY = detail("summary", "openai-responses-v1", id="rs_1", summary="Rain first.")
ENCRYPTED = detail("encrypted", "openai-responses-v1", id="rs_1", data="b3BhcXVl")

KINDS = {
    "claude": Kind(
        MessagesStream,
        CLAUDE,
        "Rain first.",
        [
            detail("text", "anthropic-claude-v1", 0, text="Rain first.", signature="c2ln"),
            detail("encrypted", "anthropic-claude-v1", 1, data="b3BhcXVl"),
            detail("text", "anthropic-claude-v1", 2, text="", signature="dHdv"),
        ],
        [
            (
                to_claude,
                [
                    {"type": "thinking", "thinking": "Rain first.", "signature": "c2ln"},
                    {"type": "redacted_thinking", "data": "b3BhcXVl"},
                    {"type": "thinking", "thinking": "", "signature": "dHdv"},
                    {"type": "text", "text": "A moment."},
                    {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {"at": "sky"}},
                ],
            ),
            (to("deepseek"), {"reasoning_content": "Rain first."}),
            (to("openai"), {}),
        ],
    ),
    "gemini": Kind(
        GenerationStream,
        [
            gemini({"text": "Rain ", "thought": True}),
            gemini({"text": "first.", "thought": True}),
            gemini({"text": "A "}),
            gemini({"text": "moment.", "thoughtSignature": "dGV4dA=="}, *GEMINI_CALLS, finishReason="STOP"),
        ],
        "Rain first.",
        [
            detail("text", "google-gemini-v1", text="Rain first."),
            detail("encrypted", "google-gemini-v1", 0, data="dGV4dA=="),
            detail("encrypted", "google-gemini-v1", 1, data="Y2FsbA==", id="a"),
        ],
        [
            (to_gemini, [{"text": "A moment.", "thoughtSignature": "dGV4dA=="}, *GEMINI_CALLS]),
            (to_claude, [
                {"type": "text", "text": "A moment."},
                {"type": "tool_use", "id": "a", "name": "look", "input": {"at": "sky"}},
                {"type": "tool_use", "id": "b", "name": "look", "input": {"at": "sea"}},
            ]),
            (to("moonshotai"), {"reasoning_content": "Rain first."}),
            (to("openai"), {}),
        ],
    ),
    "summaries": Kind(
        ChatStream,
        [
            openai(reasoning_details=[SUMMARY | {"summary": "Rain "}]),
            openai(reasoning_details=[SUMMARY | {"summary": "first."}]),
            openai(reasoning_details=[ENCRYPTED]),
            openai("tool_calls", tool_calls=[CALL]),
        ],
        "Rain first.",
        [SUMMARY, ENCRYPTED],
        [(to("openrouter"), {"reasoning_details": [SUMMARY, ENCRYPTED]}), (to("openai"), {})],
    ),
    "plain": Kind(
        ChatStream,
        [openai(reasoning_content="Rain "), openai(reasoning_content="first."), openai("stop", content="Rain.")],
        "Rain first.",
        [detail("text", "unknown", text="Rain first.")],
        [(to("deepseek"), {"reasoning_content": "Rain first."}), (to("groq"), {"reasoning": "Rain first."})],
    ),
    "calls of Gemini in OpenAI's protocol": Kind(
        ChatStream,
        [
            openai(tool_calls=[CALL | {"extra_content": {"google": {"thought_signature": "c2ln"}}}]),
            openai("tool_calls"),
        ],
        "",
        [detail("encrypted", "google-gemini-v1", id="call_1", data="c2ln")],
        [
            (to("google-vertex"), {"tool_calls[0].extra_content": {"google": {"thought_signature": "c2ln"}}}),
            (to_gemini, [
                {"functionCall": {"id": "call_1", "name": "look", "args": {}}, "thoughtSignature": "c2ln"}
            ]),
        ],
    ),
}  # fmt: skip


async def events_of(kind: Kind) -> list[Event]:
    batches = stream_of(kind.stream, kind.chunks).batches()
    return [STARTED, *[event async for batch in batches for event in batch], BILLED]


ASKED = parse({"model": "acme/one", "messages": [QUESTION]})


async def chat_whole(kind: Kind) -> ChatRequest:
    reply = CHAT_COMPLETIONS.gather(ASKED, await events_of(kind))
    assert not [
        found for found in problems("POST /chat/completions", 200, reply | {"usage": None}) if "$.choices" in found
    ]
    message = reply["choices"][0]["message"]
    assert message["reasoning"] == (kind.reasoning or None)
    assert message["reasoning_details"] == kind.details
    return parse({"model": "acme/one", "messages": [QUESTION, message]})


async def chat_streamed(kind: Kind) -> ChatRequest:
    """The client sends the details back in the pieces in which they came, unless it has joined them itself."""
    encoder = CHAT_COMPLETIONS.encoder(ASKED)
    text = (b"".join([encoder.encode(event) for event in await events_of(kind)]) + encoder.end()).decode()
    message, _ = message_of(text)
    assert message["reasoning"] == kind.reasoning
    return parse({"model": "acme/one", "messages": [QUESTION, message]})


def messages_request(content: list[dict[str, Any]]) -> ChatRequest:
    body = {"model": "acme/one", "messages": [QUESTION, {"role": "assistant", "content": content}]}
    return MESSAGES.parse(json.dumps(body).encode())


async def messages_whole(kind: Kind) -> ChatRequest:
    reply = MESSAGES.gather(ASKED, await events_of(kind))
    return messages_request(reply["content"])


async def messages_streamed(kind: Kind) -> ChatRequest:
    encoder = MESSAGES.encoder(ASKED)
    text = b"".join([encoder.encode(event) for event in await events_of(kind)]).decode()
    return messages_request(content_of_stream(events_in(text)))


@pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))
@pytest.mark.parametrize("way", [chat_whole, chat_streamed, messages_whole, messages_streamed])
async def test_a_provider_gets_its_reasoning_back_as_it_sent_it(kind, way):
    request = await way(kind)
    for upstream, expected in kind.sent:
        sent = upstream(request)
        if upstream in (to_claude, to_gemini):
            assert sent.get("content", sent.get("parts")) == expected
            continue
        found = {name: sent[name] for name in ("reasoning", "reasoning_content", "reasoning_details") if name in sent}
        if "reasoning_details" in expected:
            found = {"reasoning_details": joined(found["reasoning_details"])}
        if "tool_calls[0].extra_content" in expected:
            found = {"tool_calls[0].extra_content": sent["tool_calls"][0]["extra_content"]}
        assert found == expected


def joined(details: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The details with pieces of a summary in one."""
    first, *rest = details
    while rest and rest[0]["type"] == first["type"]:
        first = first | {"summary": first["summary"] + rest.pop(0)["summary"]}
    return [first, *rest]


async def test_a_signature_of_an_image_goes_back_with_it():
    kind = Kind(GenerationStream, [gemini({"text": "Here"}, GEMINI_IMAGE, finishReason="STOP")], "", [], [])
    message = (CHAT_COMPLETIONS.gather(ASKED, await events_of(kind)))["choices"][0]["message"]
    request = parse({"model": "acme/one", "messages": [QUESTION, message, QUESTION]})
    assert to_gemini(request)["parts"] == [{"text": "Here"}, GEMINI_IMAGE]


async def test_hidden_thinking_keeps_the_signatures_that_later_requests_need():
    asked = {"type": "adaptive", "display": "omitted"}
    body = {"model": "acme/one", "max_tokens": 9, "messages": [QUESTION], "thinking": asked}
    reply = MESSAGES.gather(MESSAGES.parse(json.dumps(body).encode()), await events_of(KINDS["claude"]))
    assert [(block["type"], block.get("thinking"), block.get("signature")) for block in reply["content"][:3]] == [
        ("thinking", "", "c2ln"),
        ("redacted_thinking", None, None),
        ("thinking", "", "dHdv"),
    ]
    hidden = parse({"model": "acme/one", "messages": [QUESTION], "reasoning": {"exclude": True}})
    message = (CHAT_COMPLETIONS.gather(hidden, await events_of(KINDS["claude"])))["choices"][0]["message"]
    assert "reasoning_details" not in message and "reasoning" not in message


async def test_odd_details_of_a_provider_are_left_out_and_those_of_a_caller_refused():
    odd: list[Any] = ["x", {"type": "reasoning.text", "text": 1}, {"type": "reasoning.text", "text": None}, SUMMARY]
    kind = Kind(ChatStream, [openai(reasoning_details=odd), openai("stop", content="Rain.")], "", [], [])
    message = (CHAT_COMPLETIONS.gather(ASKED, await events_of(kind)))["choices"][0]["message"]
    assert message["reasoning_details"] == [odd[2], SUMMARY] and message["reasoning"] == "Rain first."
    for detail in ({"type": "reasoning.text", "format": []}, {"type": "reasoning.text", "text": 1}, {"text": "x"}):
        with pytest.raises(InvalidRequest, match=r"messages\[0\].reasoning_details\[0\]"):
            parse({"messages": [{"role": "assistant", "content": "x", "reasoning_details": [detail]}]})
        packed = {"type": "redacted_thinking", "data": text_for(detail)}
        assert to_claude(messages_request([packed, {"type": "text", "text": "x"}]))["content"][0] == packed


def test_a_model_that_was_asked_to_think_does_whatever_its_endpoint_lists():
    served = attempt("one", provider="alibaba", supported_parameters=frozenset({"max_tokens"}))
    asked = parse({"model": "acme/one:thinking", "messages": [QUESTION], "reasoning": {"enabled": True}})
    plain = openai_body(ProviderRequest(asked, served, CALLER, None))
    assert "reasoning_effort" not in plain and "enable_thinking" not in plain
    thinking = Attempt(replace(served.model, id="acme/one:thinking"), served.endpoint, served.upstream, "")
    sent = openai_body(ProviderRequest(asked, thinking, CALLER, None))
    assert sent["enable_thinking"] is True and sent["reasoning_effort"] == "medium"
