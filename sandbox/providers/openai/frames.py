"""An answer as server-sent events, one token each, in a provider's dialect."""

import secrets
import time
import zlib
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any

import msgspec

from sandbox.providers.answer import Answer, ToolCall, Usage
from sandbox.providers.dialects import Dialect
from sandbox.providers.openai.usage import usage_body
from sandbox.providers.picture import IMAGE, IMAGE_TOKENS
from sandbox.providers.prompts.chat_request import ChatRequest, PromptRequest
from sandbox.providers.wire.steps import Frame, Step

__all__ = ["PICTURE", "Wording", "encode", "finish_choice", "frames", "logprobs_of"]

encode = msgspec.json.Encoder().encode

#: A picture in an answer.
PICTURE = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{IMAGE}"}}
_FIRST = b'{"index":0,'


class Wording:
    """Puts one answer into bytes: its id, its model and the dialect."""

    def __init__(self, dialect: Dialect, request: ChatRequest, *, legacy: bool = False) -> None:
        self.dialect = dialect
        self.model = request.model
        self.legacy = legacy
        self.echo = request.echo if isinstance(request, PromptRequest) else ""
        self.logprobs = (request.top_logprobs or 0) if request.logprobs else None
        self.tier = {"service_tier": request.service_tier} if request.service_tier else {}
        self.created = int(time.time())
        self.id = dialect.ids + secrets.token_hex(12) if dialect.ids else ""
        start: dict[str, Any] = {"id": self.id} if self.id else {}
        start |= {
            "object": "text_completion" if legacy else "chat.completion.chunk",
            "created": self.created,
            "model": request.model,
            **({"system_fingerprint": dialect.fingerprint} if dialect.fingerprint else {}),
            **self.tier,
            "choices": [],
        }
        self._open = dialect.data.encode() + encode(start)[:-2]
        self._end = (dialect.line_end * 2).encode()
        null = b',"usage":null' if dialect.usage == "separate" and request.wants_usage else b""
        self._close = b"]" + null + b"}" + self._end

    def event(self, choice: bytes, usage: bytes = b"") -> bytes:
        """The bytes of one chunk with one choice, or none when `choice` is empty."""
        if usage:
            return b"".join((self._open, choice, b'],"usage":', usage, b"}", self._end))
        return b"".join((self._open, choice, self._close))

    def chunk(self, choice: bytes) -> bytes:
        """The JSON of a chunk with one choice."""
        return self._open.removeprefix(self.dialect.data.encode()) + choice + b"]}"

    def line(self, data: bytes) -> bytes:
        """The bytes of an event with any data."""
        return self.dialect.data.encode() + data + self._end

    def comment(self) -> bytes:
        return b": keep-alive" + self._end

    def call_id(self, call: ToolCall) -> str:
        return call.id[-self.dialect.call_id_length :] if self.dialect.call_id_length else call.id


def frames(answer: Answer, usage: Usage | None, wording: Wording, *, usage_wanted: bool) -> Iterator[Step]:
    """The events of `answer`, the last one `[DONE]`. No usage is sent when `usage` is None."""
    place = wording.dialect.usage if usage and (usage_wanted or wording.dialect.usage_always) else "never"
    return _frames(answer, usage, wording, place, usage_wanted=usage_wanted)


def _frames(answer: Answer, usage: Usage | None, wording: Wording, place: str, *, usage_wanted: bool) -> Iterator[Step]:
    dialect = wording.dialect
    if dialect.comments:
        yield Frame(wording.comment(), kind="comment")
    if dialect.role == "own" and not wording.legacy:
        nothing = b"null" if dialect.null_content else b'""'
        yield Frame(wording.event(_choice(b'"role":"assistant","content":' + nothing)), kind="start")
    if wording.echo:
        yield Frame(
            wording.event(b'{"index":0,"text":' + encode(wording.echo) + b',"finish_reason":null}'), kind="start"
        )
    sent = 0
    for choice, in_tokens in _all_choices(answer, wording):
        sent += in_tokens
        grown = _grown(usage, sent, answer, dialect) if place == "every" and usage else b""
        yield Frame(wording.event(choice, grown), in_tokens)
        if dialect.empty_deltas and sent % dialect.empty_deltas == 0:
            yield Frame(wording.event(_empty(wording)), kind="comment")
        if dialect.comments and sent % dialect.comments == 0:
            yield Frame(wording.comment(), kind="comment")
    body = encode(usage_body(usage, dialect)) if usage else b""
    for number, one in enumerate(answer.choices):
        if one.finish is None:
            continue
        is_last = one is answer.choices[-1]
        inside = body if place == "in-choice" and is_last else b""
        beside = body if place in ("with-finish", "every") and is_last else b""
        ending = _numbered(finish_choice(one.finish, wording, inside), number)
        yield Frame(wording.event(ending, beside), kind="finish")
    unfinished = answer.finish is None and place != "never"
    if place == "separate" or (place == "in-choice" and usage_wanted) or unfinished:
        yield Frame(wording.event(b"", body), kind="usage")
    yield Frame(wording.line(b"[DONE]"), kind="done")


def finish_choice(finish: str, wording: Wording, usage: bytes = b"") -> bytes:
    """The choice with the finish reason."""
    word = encode(wording.dialect.finish.get(finish, finish))
    inside = b',"usage":' + usage if usage else b""
    if wording.legacy:
        return b'{"index":0,"text":"","logprobs":null,"finish_reason":' + word + inside + b"}"
    delta = b'"content":null' if wording.dialect.null_content else b""
    return b'{"index":0,"delta":{' + delta + b'},"logprobs":null,"finish_reason":' + word + inside + b"}"


def _choice(delta: bytes, logprobs: bytes = b"null") -> bytes:
    return b'{"index":0,"delta":{' + delta + b'},"logprobs":' + logprobs + b',"finish_reason":null}'


def _empty(wording: Wording) -> bytes:
    return b'{"index":0,"text":"","finish_reason":null}' if wording.legacy else _choice(b'"content":""')


def _numbered(choice: bytes, number: int) -> bytes:
    """The choice with another index."""
    return b'{"index":%d,' % number + choice.removeprefix(_FIRST) if number else choice


def _all_choices(answer: Answer, wording: Wording) -> Iterator[tuple[bytes, int]]:
    """(choice, tokens in it): those of several answers take turns."""
    if not answer.others:
        yield from _choices(answer, wording)
        return
    for turn in zip_longest(*(_choices(one, wording) for one in answer.choices)):
        for number, piece in enumerate(turn):
            if piece is not None:
                yield _numbered(piece[0], number), piece[1]


def _choices(answer: Answer, wording: Wording) -> Iterator[tuple[bytes, int]]:
    """(choice, tokens in it), one after the other."""
    if wording.legacy:
        for piece in answer.content:
            yield b'{"index":0,"text":' + encode(piece) + b',"logprobs":null,"finish_reason":null}', 1
        return
    role = b"" if wording.dialect.role in ("own", "never") else b'"role":"assistant",'
    for delta, in_tokens, piece in _deltas(answer, wording):
        if wording.logprobs is not None and piece:
            yield _choice(role + delta, encode(logprobs_of([piece], wording.logprobs))), in_tokens
        else:
            yield _choice(role + delta), in_tokens
        if wording.dialect.role == "first":
            role = b""


def _deltas(answer: Answer, wording: Wording) -> Iterator[tuple[bytes, int, str]]:
    """(delta without its braces, tokens in it, the token when it is one of the text)."""
    word = b'"' + wording.dialect.reasoning.encode() + b'":'
    null = b'"content":null,' if wording.dialect.null_content else b""
    if not answer.hidden_reasoning:
        for piece in answer.reasoning:
            yield null + word + encode(piece), 1, ""
    for piece in answer.content:
        yield b'"content":' + encode(piece), 1, piece
    for _ in range(answer.images):
        yield b'"content":"","images":[' + encode(PICTURE) + b"]", IMAGE_TOKENS, ""
    for index, call in enumerate(answer.tool_calls):
        for part, in_tokens in _call_parts(index, call, wording):
            yield null + b'"tool_calls":[' + encode(part) + b"]", in_tokens, ""


def _call_parts(index: int, call: ToolCall, wording: Wording) -> Iterator[tuple[dict[str, Any], int]]:
    whole = wording.dialect.whole_arguments
    function = {"name": call.name, "arguments": "".join(call.arguments) if whole else ""}
    first = {"index": index, "id": wording.call_id(call), "type": "function", "function": function}
    yield first, 1 + len(call.arguments) if whole else 1
    for piece in () if whole else call.arguments:
        yield {"index": index, "function": {"arguments": piece}}, 1


def _grown(usage: Usage, sent: int, answer: Answer, dialect: Dialect) -> bytes:
    reasoning = min(sent, len(answer.reasoning), usage.reasoning)
    so_far = Usage(usage.prompt, min(sent, usage.completion), usage.cached, usage.cache_write, reasoning)
    return encode(usage_body(so_far, dialect))


def logprobs_of(pieces: list[str], top: int) -> dict[str, Any]:
    """Made-up but steady log probabilities of tokens, each with `top` alternatives."""
    content = []
    for piece in pieces:
        likely = zlib.crc32(piece.encode()) % 1000 / 1000
        others = [
            {"token": other, "logprob": round(-likely - rank, 4), "bytes": list(other.encode())}
            for rank, other in enumerate([piece, *(f" other{n}" for n in range(1, top))][:top])
        ]
        one = {"token": piece, "logprob": round(-likely, 4), "bytes": list(piece.encode()), "top_logprobs": others}
        content.append(one)
    return {"content": content, "refusal": None}
