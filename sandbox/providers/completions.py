"""One request for a completion, from its bytes to the last byte of its answer."""

import zlib
from collections.abc import Iterator

import msgspec
from msgspec.json import encode
from starlette.types import Receive, Scope, Send

from sandbox.providers.answer import Answer, Usage
from sandbox.providers.controls.faults import Faults
from sandbox.providers.controls.gates import held
from sandbox.providers.controls.headers import ControlError, Controls, read_controls, take_commands
from sandbox.providers.dialects import Dialect, dialect_of
from sandbox.providers.errors import MALFORMED, Refusal, refusal_of
from sandbox.providers.picture import IMAGE_TOKENS
from sandbox.providers.prompts.chat_request import ChatRequest, check_request
from sandbox.providers.prompts.prompt import audio_tokens, predicted_tokens
from sandbox.providers.protocol import Protocol, Voice
from sandbox.providers.shared import Shared
from sandbox.providers.wire.connection import Wire, wire_of
from sandbox.providers.wire.pace import Pace, pace_of
from sandbox.providers.wire.recorder import Record, readable
from sandbox.providers.wire.sending import send_body, send_steps
from sandbox.providers.wire.steps import Step, in_pieces
from sandbox.providers.writer import exact_answer, write

__all__ = ["LONGEST_HANG", "Completions", "headers_of", "read_body"]

_SIGN_IN_PAGE = b"<!doctype html><title>Please sign in</title><h1>Please sign in</h1>"
LONGEST_HANG = 3600.0  # seconds
LIMITED_SECONDS = 30.0  # `Retry-After` for a key that says it is limited


class Prepared(msgspec.Struct, frozen=True):
    """An answer, ready to be sent."""

    answer: Answer
    usage: Usage | None
    voice: Voice
    faults: Faults
    streamed: bool


class Completions:
    """The endpoint for one protocol: an ASGI application."""

    def __init__(self, shared: Shared, protocol: Protocol) -> None:
        self.shared = shared
        self.protocol = protocol

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await read_body(receive)
        exchange = Exchange(self.shared, self.protocol, scope, send)
        try:
            exchange.controls = read_controls(scope["headers"])
            exchange.record_request(body)
            request = self.protocol.read(body, scope)
            check_request(request)
            prepared = await exchange.prepare(take_commands(request, exchange.controls))
        except ControlError as wrong:
            await exchange.refuse(Refusal(400, str(wrong), "sandbox_header"))
        except MALFORMED as wrong:
            await exchange.refuse(refusal_of(wrong))
        else:
            if prepared:
                await exchange.respond(prepared)


class Exchange:
    """One request and its answer."""

    def __init__(self, shared: Shared, protocol: Protocol, scope: Scope, send: Send) -> None:
        self.shared = shared
        self.protocol = protocol
        self.scope = scope
        self.send = send
        self.provider = protocol.provider(scope)
        self.wire: Wire = wire_of(scope)
        self.controls = Controls()
        self.record: Record | None = None

    @property
    def dialect(self) -> Dialect:
        return self.controls.dialect or dialect_of(self.provider)

    def record_request(self, body: bytes) -> None:
        if self.shared.recorder:
            scope = self.scope
            self.record = Record(scope["method"], scope["path"], self.provider, headers_of(scope), readable(body))
            self.shared.recorder.add(self.controls.session, self.record, len(body))

    async def prepare(self, request: ChatRequest) -> Prepared | None:
        """The answer; None when a fault has ended the exchange, or a refusal has."""
        shared, controls = self.shared, self.controls
        context = shared.catalog.context_length(self.provider, request.model)
        faults = Faults(controls.faults, self.provider, request.model, controls.session, shared.counters)
        if faults and await self._broke_off(faults):
            return None
        if request.service_tier and "standard-tier" in faults:
            request = msgspec.structs.replace(request, service_tier="default")
        prompt, marked = self.protocol.prompt(request)
        if refusal := faults.refusal or self._refusal(request, len(prompt), context):
            await self._wait_at_gates()
            await self.refuse(refusal)
            return None
        answer = faults.on_answer(self._answer(request))
        answer.others = [self._answer(request) for _ in range(1, request.n or 1)]
        usage = faults.on_usage(controls.reported(self._usage(request, prompt, marked, answer)))
        voice = self.protocol.voice(request, faults.on_dialect(self.dialect))
        return Prepared(answer, usage, voice, faults, bool(request.stream) and "error-200" not in faults)

    async def respond(self, prepared: Prepared) -> None:
        """Sends the answer, with its faults."""
        if self.record:
            self.record.status = 200
        if prepared.streamed:
            await self._stream(prepared.voice.steps(prepared.answer, prepared.usage), prepared.voice, prepared.faults)
        else:
            await self._reply(prepared)

    async def _broke_off(self, faults: Faults) -> bool:
        """Whether the exchange ended before an answer was made."""
        if faults.resets_at_once:
            await self.wire.reset()
            return True
        await self.wire.wait(faults.seconds("slow-headers"))
        if "hang" in faults:
            await self.wire.wait(LONGEST_HANG)
            self._note_disconnection()
            await self.wire.close()
            return True
        if "html-200" in faults:
            await send_body(self.send, 200, "text/html; charset=utf-8", _SIGN_IN_PAGE)
            return True
        return False

    def _refusal(self, request: ChatRequest, prompt: int, context: int | None) -> Refusal | None:
        """Refusals without a fault: of a key that says it is invalid or limited, and of a prompt that is too long."""
        key = self.protocol.key(self.scope)
        if key.endswith(b"-invalid"):
            return Refusal(401, code="invalid_api_key")
        if key.endswith(b"-limited"):
            return Refusal(429, retry_after=LIMITED_SECONDS)
        if context and self.protocol.context_tokens(request, prompt) > context:
            message = f"This model's maximum context length is {context} tokens, and {prompt} are in the messages."
            return Refusal(400, message, "context_length_exceeded")
        return None

    def _answer(self, request: ChatRequest) -> Answer:
        if (own := self.protocol.answer(request)) is not None:
            return own
        if self.controls.tokens is not None:
            answer = exact_answer(self.controls.tokens)
        else:
            answer = write(request, self.shared.wordings.chance(request, self.controls.session))
        answer.hidden_reasoning = bool(request.reasoning and request.reasoning.exclude)
        answer = answer.stopped_at(request.stops).limited_to(request.token_limit)
        room = None if request.token_limit is None else request.token_limit - answer.completion_tokens
        if "image" in (request.modalities or ()) and (room is None or room >= IMAGE_TOKENS):
            answer.images = 1
        return answer

    def _usage(self, request: ChatRequest, prompt: list[str], marked: int, answer: Answer) -> Usage:
        """A prompt with cache marks is cached up to the last of them, for a price; others as a whole."""
        owner = f"{self.provider} {request.model} {self.controls.session} {hash(self.protocol.key(self.scope))}"
        cachable = prompt if self.protocol.caches_unmarked and not marked else prompt[:marked]
        use = self.shared.prompts.use(owner, cachable)
        accepted, rejected = predicted_tokens(request, answer.content)
        return Usage(
            prompt=len(prompt),
            completion=answer.completion_tokens,
            cached=use.read,
            cache_write=use.written if marked else 0,
            audio=audio_tokens(request),
            accepted_prediction=accepted,
            rejected_prediction=rejected,
            reasoning=sum(len(choice.reasoning) for choice in answer.choices),
            image=IMAGE_TOKENS * sum(choice.images for choice in answer.choices),
        )

    def _pace(self, faults: Faults) -> Pace:
        pace = pace_of(self.provider, self.shared.speed)
        if self.controls.delay is not None:
            pace = Pace(self.controls.delay, self.controls.delay)
        slow = faults.seconds("slow-first-token")
        return Pace(slow, pace.each) if slow else pace

    async def _stream(self, steps: Iterator[Step], voice: Voice, faults: Faults) -> None:
        content_type = b"text/plain" if "wrong-content-type" in faults else self.protocol.stream_type
        headers = [(b"content-type", content_type), (b"cache-control", b"no-cache")]
        if "gzip" in faults:
            headers.append((b"content-encoding", b"gzip"))
        steps = faults.on_steps(steps, voice) if faults else steps
        steps = held(steps, self.controls.gates, self.shared.gates) if self.controls.gates else steps
        await send_steps(
            in_pieces(steps) if voice.splits else steps,
            self.send,
            self.wire,
            self._pace(faults),
            headers,
            apart=self.controls.delay is not None,
            record=self.record,
        )

    async def _reply(self, prepared: Prepared) -> None:
        answer, voice, faults = prepared.answer, prepared.voice, prepared.faults
        pace = self._pace(faults)
        await self.wire.wait(pace.first + pace.each * answer.completion_tokens + faults.stalls)
        await self._wait_at_gates()
        if self.wire.is_lost:
            self._note_disconnection()
            return
        body = encode(voice.error(Refusal(503)) if faults.fails_inside else voice.reply(answer, prepared.usage))
        headers = []
        if "malformed" in faults or "truncate" in faults:
            body = body[: len(body) // 2]
        if "gzip" in faults:
            body = zlib.compress(body, wbits=31)
            headers.append((b"content-encoding", b"gzip"))
        content_type = "text/html" if "wrong-content-type" in faults else "application/json"
        if faults.breaks_inside:
            await send_body(self.send, 200, content_type, body, headers, only=len(body) // 2)
            await (self.wire.reset() if "reset" in faults else self.wire.close())
            return
        await send_body(self.send, 200, content_type, body, headers)
        if self.record:
            self.record.tokens, self.record.finished = answer.completion_tokens, True

    async def _wait_at_gates(self) -> None:
        """A response in one piece waits at every gate before anything of it is sent."""
        for gate in self.controls.gates:
            await self.shared.gates.wait(gate.name, self.wire)

    async def refuse(self, refusal: Refusal) -> None:
        """Answers with an error, in the provider's own shape."""
        content_type, body = self.protocol.refusal(refusal, self.dialect)
        headers = []
        if refusal.retry_after is not None:
            headers.append((b"retry-after", f"{refusal.retry_after:g}".encode("ascii")))
        if self.record:
            self.record.status, self.record.finished = refusal.status, True
        await send_body(self.send, refusal.status, content_type, body, headers)

    def _note_disconnection(self) -> None:
        if self.record:
            self.record.disconnected = self.wire.is_lost


def headers_of(scope: Scope) -> dict[str, str]:
    """The headers of a request, their names in lower case."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def read_body(receive: Receive) -> bytes:
    """The whole body of a request."""
    chunks: list[bytes] = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)
