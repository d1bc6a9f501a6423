"""The chat's WebSocket protocol: the page's messages and the server's frames. Pure functions, no I/O.

The page sends:
- `{"type": "ask", "id", "body", "key", "api", "api_key"}`: request an answer. `body` is a chat completion request as
  the API takes it, or one of another `api`, a path below /api/v1; `id` is chosen by the page and unique on the socket.
  With `key`, 32 bytes in base64url, the answer goes on without its socket and can be resumed: its frames are kept,
  encrypted with it. With `api_key`, the secret of a key of the organization, the request is one of that key.
- `{"type": "resume", "id", "key"}`: send what is kept of an answer that was begun on another socket, and go on.
- `{"type": "forget", "id"}`: the page has all of an answer.
- `{"type": "stop", "id"}`: stop this answer.
- `{"type": "bill", "id", "generation_id"}`: request the cost of an interrupted answer.
- `{"type": "check", "provider"}`: request the models that this `provider` object of requests leaves without a provider.
- `{"type": "ping"}`: check the connection.

The server sends, with the answer's `id`:
- `accepted`, then `started`, any number of `delta`, and `finished`, `failed`, `refused` or `stopped`; `started` has the
  `search` before the answer, `{"query", "pages": [{"url", "title"}]}`, and a `delta` pieces of the model's tool calls,
  `{"index", "id", "name", "arguments"}`, where `arguments` is the next part of a JSON text; that of embeddings has
  `vectors`: their `count`, and the `dimensions` and `start` of the first;
- `billed`, once the cost is known;
- `ended`, the last frame of every `ask` except `billed`;
- `resumed`, with `frames` as they were sent and `start`, 0 for the first of them; or `lost`, if nothing is kept.
A frame without an ID is about the socket itself: `ready`, `pong`, `refused`, and `unavailable` with the models of a
`check`.

Money is sent as text: costs and `balance_usd` as exact decimal dollars, `balance` as the site shows it.
"""

from base64 import b64decode
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

import msgspec

from common.errors import ApiError, InvalidRequest, PayloadTooLarge
from common.money import PicoUsd, as_usd, format_usd
from common.web.bodies import as_size
from gateway.events import Billed, Delta, Event, Failed, Finished, Started

__all__ = [
    "Ask",
    "Bill",
    "Check",
    "Forget",
    "Message",
    "Ping",
    "Resume",
    "Stop",
    "accepted",
    "decode",
    "ended",
    "frame",
    "lost",
    "merged",
    "pong",
    "ready",
    "refused",
    "resumed",
    "stopped",
    "unavailable",
]

AnswerId = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"\A[A-Za-z0-9_-]+\Z")]
Key = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_-]{43}\Z")]
ApiKey = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
GenerationId = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]


class Ask(msgspec.Struct, frozen=True, tag="ask"):
    """Requests an answer."""

    id: AnswerId
    body: dict[str, Any]
    key: Key | None = None
    api: Literal["chat/completions", "messages", "responses", "embeddings"] = "chat/completions"
    api_key: ApiKey | None = None


class Resume(msgspec.Struct, frozen=True, tag="resume"):
    """Requests the frames of an answer that was begun on another socket."""

    id: AnswerId
    key: Key


class Forget(msgspec.Struct, frozen=True, tag="forget"):
    """Says that the page has all of an answer."""

    id: AnswerId


class Stop(msgspec.Struct, frozen=True, tag="stop"):
    """Stops an answer. Its text so far is kept."""

    id: AnswerId


class Bill(msgspec.Struct, frozen=True, tag="bill"):
    """Requests the cost of a generation."""

    id: AnswerId
    generation_id: GenerationId


class Check(msgspec.Struct, frozen=True, tag="check"):
    """Requests the models that no provider may serve under these preferences."""

    provider: dict[str, Any]


class Ping(msgspec.Struct, frozen=True, tag="ping"):
    """Checks the connection."""


Message = Ask | Stop | Bill | Check | Ping | Resume | Forget

_decoder: msgspec.json.Decoder[Message] = msgspec.json.Decoder(Message)
_encoder = msgspec.json.Encoder()


def decode(text: str | None, limit: int) -> Message:
    """Return the page's message.

    Raises InvalidRequest for anything but the messages above, and PayloadTooLarge for more than `limit` bytes.
    """
    if text is None:
        raise InvalidRequest("The chat accepts text frames only.")
    if len(text) > limit or (len(text) > limit // 4 and len(text.encode()) > limit):
        raise PayloadTooLarge(f"This chat is over {as_size(limit)} with attachments. Start a new chat or remove some.")
    try:
        return _decoder.decode(text)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise InvalidRequest(f"Invalid message: {error}") from error


def merged(deltas: Sequence[Delta]) -> Delta:
    """Return several deltas as one, in order. The choice's index is dropped: the chat requests one choice."""
    return Delta(
        text="".join(delta.text for delta in deltas),
        reasoning="".join(delta.reasoning for delta in deltas),
        refusal="".join(delta.refusal for delta in deltas),
        images=[image for delta in deltas for image in delta.images or ()] or None,
        annotations=[note for delta in deltas for note in delta.annotations or ()] or None,
        tool_calls=[piece for delta in deltas for piece in delta.tool_calls or ()] or None,
        vectors=[vector for delta in deltas for vector in delta.vectors or ()] or None,
    )


def frame(answer_id: str, event: Event) -> str:
    """Return the frame of one event of an answer."""
    match event:
        case Delta():
            pieces = {
                "text": event.text,
                "reasoning": event.reasoning,
                "refusal": event.refusal,
                "images": event.images,
                "annotations": event.annotations,
                "tool_calls": _calls(event.tool_calls or ()),
                "vectors": _vectors(event.vectors or ()),
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
                search=_search(event),
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
                **_balance(event.balance),
                latency_ms=event.latency_ms,
                duration_ms=event.duration_ms,
                web_searches=event.web_searches or None,
            )


def _calls(pieces: Sequence[Any]) -> list[dict[str, Any]]:
    """Return pieces of tool calls, one for each call, with the fields that the page shows."""
    calls: dict[int, dict[str, Any]] = {}
    for piece in pieces:
        call = calls.setdefault(piece["index"], {"index": piece["index"], "arguments": ""})
        function = piece.get("function") or {}
        call |= {name: text for name, text in (("id", piece.get("id")), ("name", function.get("name"))) if text}
        call["arguments"] += function.get("arguments") or ""
    return list(calls.values())


def _vectors(vectors: Sequence[msgspec.Raw]) -> dict[str, Any] | None:
    """Return how many vectors there are, and the size and first numbers of the first one; None without any."""
    if not vectors:
        return None
    first = msgspec.json.decode(vectors[0])
    if isinstance(first, str):  # 32-bit floats in base64
        size = len(b64decode(first)) // 4
        return {"count": len(vectors), "dimensions": size, "start": first[:60]}
    return {"count": len(vectors), "dimensions": len(first), "start": first[:8]}


def _search(started: Started) -> dict[str, Any] | None:
    """Return the web search before an answer; None without one."""
    if not started.web_search:
        return None
    pages = [{"url": page["url"], "title": page["title"]} for page in started.search_results or ()]
    return {"query": started.web_search, "pages": pages}


def refused(answer_id: str | None, error: ApiError, remedy: dict[str, str] | None = None) -> str:
    """Return a frame with the reason of a refusal. `remedy` is a link (`text`, `href`) to the page that fixes it.

    `excluded_by` has the codes of what excluded the model's endpoints, if that is the reason.
    """
    return _frame(
        "refused",
        answer_id,
        status=error.status,
        message=error.message,
        error_type=error.metadata.get("error_type", error.error_type),
        remedy=remedy,
        excluded_by=(error.availability or {}).get("excluded_by"),
        retry_after=error.headers.get("Retry-After"),
    )


def ready(balance: PicoUsd, unavailable: Mapping[str, str], user: str) -> str:
    """Return the first frame: the balance, the models that the settings exclude with the reasons, the user's ID."""
    return _frame("ready", None, **_balance(balance), unavailable=[*unavailable], reasons=unavailable, user=user)


def unavailable(models: Sequence[str]) -> str:
    """Return the frame with the models that the preferences of a `check` leave without a provider."""
    return _frame("unavailable", None, models=models)


def accepted(answer_id: str) -> str:
    """Return the frame that confirms an `ask`."""
    return _frame("accepted", answer_id)


def stopped(answer_id: str) -> str:
    """Return the frame that says the page stopped the answer."""
    return _frame("stopped", answer_id)


def ended(answer_id: str) -> str:
    """Return the last frame of an answer, except its cost."""
    return _frame("ended", answer_id)


def resumed(answer_id: str, frames: Sequence[str], start: int) -> str:
    """Return frames that are kept, as they were sent. `start` is the number of the first of their pieces."""
    return _frame("resumed", answer_id, start=start, frames=[msgspec.Raw(frame.encode()) for frame in frames])


def lost(answer_id: str) -> str:
    """Return the frame that says that an answer can't be resumed."""
    return _frame("lost", answer_id)


def pong() -> str:
    """Return the reply to a ping."""
    return _frame("pong", None)


def _balance(balance: PicoUsd) -> dict[str, Any]:
    return {"balance": format_usd(balance), "balance_usd": format(as_usd(balance), "f"), "can_spend": balance > 0}


def _frame(kind: str, answer_id: str | None, **fields: Any) -> str:
    head: dict[str, Any] = {"type": kind} if answer_id is None else {"type": kind, "id": answer_id}
    return _encoder.encode(head | {name: value for name, value in fields.items() if value is not None}).decode()
