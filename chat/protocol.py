"""The chatroom's language: what the page may say, and the frames that answer. Pure functions, no I/O.

The page says:
- `{"type": "ask", "id", "body"}`: answer this; `body` is a chat completion request as the API takes it,
  `id` is the page's own name for the answer, unique on the socket.
- `{"type": "stop", "id"}`: enough.
- `{"type": "bill", "id", "generation_id"}`: what did this answer cost? For answers that were cut off.
- `{"type": "ping"}`: are you there?

It hears, always with the answer's `id`:
- `accepted`, then `started`, any number of `delta`, and `finished`, `failed`, `refused` or `stopped`;
- `billed`, when it is known what the answer cost;
- `ended`, the last word on every `ask`.
A frame without an id answers the socket itself: `ready`, `pong`, `refused`.

Money crosses as text: exact decimal dollars for a cost, the balance as the site shows it.
"""

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from common.errors import ApiError, InvalidRequest, PayloadTooLarge
from common.money import PicoUsd, as_usd, format_usd
from gateway.events import Billed, Delta, Event, Failed, Finished, Started

__all__ = [
    "Ask",
    "Bill",
    "Message",
    "Ping",
    "Stop",
    "accepted",
    "decode",
    "ended",
    "frame",
    "merged",
    "pong",
    "ready",
    "refused",
    "stopped",
]

AnswerId = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"\A[A-Za-z0-9_-]+\Z")]
GenerationId = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Answer this."""

    id: AnswerId
    body: dict[str, Any]


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Enough: keep what has been said."""

    id: AnswerId


class Bill(msgspec.Struct, frozen=True, tag="bill"):
    """What did this generation cost?"""

    id: AnswerId
    generation_id: GenerationId


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Are you there?"""


Message = Ask | Stop | Bill | Ping

_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_encoder = msgspec.json.Encoder()


def decode(text: str | None, limit: int) -> Message:
    """What the page said.

    Raises InvalidRequest for anything else than a message above, and PayloadTooLarge for more than
    `limit` bytes.
    """
    if text is None:
        raise InvalidRequest("The chatroom takes text frames only.")
    if len(text) > limit or (len(text) > limit // 4 and len(text.encode()) > limit):
        raise PayloadTooLarge(
            f"The conversation is larger than {limit // 1_000_000} MB. Remove attachments or start a new chat."
        )
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidRequest(f"The chatroom did not understand this message: {error}") from error


def merged(deltas: Sequence[Delta]) -> Delta:
    """Several pieces as one, in order. A choice's index is dropped: the chatroom asks for one."""
    return Delta(
        text="".join(delta.text for delta in deltas),
        reasoning="".join(delta.reasoning for delta in deltas),
        refusal="".join(delta.refusal for delta in deltas),
        images=[image for delta in deltas for image in delta.images or ()] or None,
        annotations=[note for delta in deltas for note in delta.annotations or ()] or None,
    )


def frame(answer_id: str, event: Event) -> str:
    """One event of an answer."""
    match event:
        case Delta():
            pieces = {
                "text": event.text,
                "reasoning": event.reasoning,
                "refusal": event.refusal,
                "images": event.images,
                "annotations": event.annotations,
            }
            return _frame("delta", answer_id, **{name: piece for name, piece in pieces.items() if piece})
        case Started():
            return _frame(
                "started",
                answer_id,
                generation_id=event.generation_id,
                model=event.model,
                provider=event.provider,
                simulated=event.simulated,
            )
        case Finished():
            return _frame("finished", answer_id, reason=event.finish_reason)
        case Failed():
            return _frame("failed", answer_id, status=event.status, message=event.message, error_type=event.error_type)
        case Billed():
            return _frame(
                "billed",
                answer_id,
                usage=event.usage,
                cost=format(as_usd(event.cost), "f"),
                balance=format_usd(event.balance),
                can_spend=event.balance > 0,
                latency_ms=event.latency_ms,
                duration_ms=event.duration_ms,
                web_searches=event.web_searches or None,
            )


def refused(answer_id: str | None, error: ApiError, remedy: dict[str, str] | None = None) -> str:
    """Why there is no answer. `remedy` is a link (`text`, `href`) to the page that mends it."""
    return _frame(
        "refused",
        answer_id,
        status=error.status,
        message=error.message,
        error_type=error.metadata.get("error_type", error.error_type),
        remedy=remedy,
        retry_after=error.headers.get("Retry-After"),
    )


def ready(balance: PicoUsd, unavailable: Sequence[str]) -> str:
    """The socket is open; this is the account's balance, and these models its settings leave nobody to serve."""
    return _frame("ready", None, balance=format_usd(balance), can_spend=balance > 0, unavailable=unavailable)


def accepted(answer_id: str) -> str:
    """The question has arrived and is being worked on."""
    return _frame("accepted", answer_id)


def stopped(answer_id: str) -> str:
    """The answer ended because the page asked for it."""
    return _frame("stopped", answer_id)


def ended(answer_id: str) -> str:
    """Nothing more will be said about this answer, except what it cost."""
    return _frame("ended", answer_id)


def pong() -> str:
    """Here."""
    return _frame("pong", None)


def _frame(kind: str, answer_id: str | None, **fields: Any) -> str:
    head: dict[str, Any] = {"type": kind} if answer_id is None else {"type": kind, "id": answer_id}
    return _encoder.encode(head | {name: value for name, value in fields.items() if value is not None}).decode()
