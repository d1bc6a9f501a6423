"""Events: one OpenTelemetry span for each request, in OTLP's JSON encoding with GenAI attributes. Pure.

The IDs of a span follow from the ID of its request, so that a receiver recognizes an event that is sent twice.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from common.money import PicoUsd, as_usd
from gateway.models import Generation

__all__ = ["Event", "Shown", "batch_id", "event_of", "traces"]

_CLIENT, _ERROR = 3, 2  # SPAN_KIND_CLIENT, STATUS_CODE_ERROR
_OPERATIONS = {
    Generation.ApiType.COMPLETIONS.value: "chat",
    Generation.ApiType.EMBEDDINGS.value: "embeddings",
    Generation.ApiType.RERANK.value: "rerank",
}
_encode = msgspec.json.Encoder().encode

Value = str | int | float | Sequence[str]


@dataclass(frozen=True, slots=True)
class Event:
    """A request's ID, the time at which it was made, and its span as JSON."""

    id: str
    at: datetime
    span: bytes


@dataclass(frozen=True, slots=True)
class Shown:
    """The groups of attributes that an event has beside the basic ones, and the names of API keys by ID."""

    cost: bool = False
    identity: bool = False
    context: bool = False
    key_names: Mapping[int, str] = field(default_factory=dict)


def event_of(request: Generation, shown: Shown, content: Mapping[str, str] | None = None) -> Event:
    """Return the event of a request that has ended. `content` has further attributes, of its prompt and response."""
    trace_id, span_id = _ids_of(request.pk)
    end = request.created_at + timedelta(milliseconds=request.duration_ms or 0)
    operation = _OPERATIONS[request.api_type]
    attributes = {**_basic(request, operation), **dict(_further(request, shown)), **(content or {})}
    span: dict[str, Any] = {
        "traceId": trace_id,
        "spanId": span_id,
        "name": f"{operation} {request.model or request.requested_model}",
        "kind": _CLIENT,
        "startTimeUnixNano": _nanoseconds(request.created_at),
        "endTimeUnixNano": _nanoseconds(end),
        "attributes": _key_values(attributes),
        "status": {"code": _ERROR} if request.error_status is not None else {},
    }
    return Event(request.pk, request.created_at, _encode(span))


def traces(events: Iterable[Event], service: str) -> bytes:
    """Return an OTLP `ExportTraceServiceRequest`, which is a `TracesData` as well, as JSON."""
    resource = {"attributes": _key_values({"service.name": service})}
    scope_spans = {"scope": {"name": "broadcast"}, "spans": [msgspec.Raw(event.span) for event in events]}
    return _encode({"resourceSpans": [{"resource": resource, "scopeSpans": [scope_spans]}]})


def batch_id(events: Iterable[Event]) -> str:
    """Return 32 hexadecimal digits: the same events have the same ones."""
    return hashlib.sha256(",".join(event.id for event in events).encode()).hexdigest()[:32]


def _ids_of(generation_id: str) -> tuple[str, str]:
    """Return 16 and 8 bytes in hexadecimal."""
    digest = hashlib.sha256(generation_id.encode()).hexdigest()
    return digest[:32], digest[32:48]


def _basic(request: Generation, operation: str) -> dict[str, Value]:
    values: dict[str, Value] = {
        "gen_ai.operation.name": operation,
        "gen_ai.provider.name": request.provider,
        "gen_ai.request.model": request.requested_model,
        "gen_ai.request.stream": request.streamed,
        "gen_ai.response.id": request.pk,
        "gen_ai.response.model": request.model,
        "gen_ai.usage.input_tokens": request.prompt_tokens,
        "gen_ai.usage.output_tokens": request.completion_tokens,
        "gen_ai.usage.cache_read.input_tokens": request.cached_tokens,
        "gen_ai.usage.cache_creation.input_tokens": request.cache_write_tokens,
        "gen_ai.usage.reasoning.output_tokens": request.reasoning_tokens,
    }
    if request.finish_reason:
        values["gen_ai.response.finish_reasons"] = [request.finish_reason]
    if request.latency_ms is not None:
        values["gen_ai.response.time_to_first_chunk"] = request.latency_ms / 1000
    if request.error_status is not None:
        values["error.type"] = str(request.error_status)
    if request.cancelled:
        values["openrouter.cancelled"] = True
    if request.simulated:
        values["openrouter.simulated"] = True
    return values


def _further(request: Generation, shown: Shown) -> Iterator[tuple[str, Value]]:
    if shown.cost:
        yield "gen_ai.usage.cost", float(as_usd(PicoUsd(request.cost)))
        yield "openrouter.cost.pico_usd", request.cost
        if request.byok_key_id:
            yield "openrouter.cost.byok_pico_usd", request.byok_cost
    if shown.identity:
        yield "user.id", request.external_user
        yield "openrouter.api_key.name", shown.key_names.get(request.key_id or 0, "")
    if shown.context:
        yield "session.id", request.session_id
        yield "gen_ai.conversation.id", request.session_id
        yield "openrouter.source", request.source
        yield "openrouter.app.url", request.app
        yield "openrouter.app.title", request.app_title
        yield "user_agent.original", request.user_agent


def _key_values(values: Mapping[str, Value]) -> list[dict[str, Any]]:
    """Return attributes in OTLP's JSON encoding. Empty texts are left out."""
    return [{"key": key, "value": _any_value(value)} for key, value in values.items() if value != ""]


def _any_value(value: Value) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        return {"intValue": str(value)}  # 64 bits, which JSON numbers of many readers have not
    if isinstance(value, float):
        return {"doubleValue": value}
    if isinstance(value, str):
        return {"stringValue": value}
    return {"arrayValue": {"values": [{"stringValue": each} for each in value]}}


def _nanoseconds(moment: datetime) -> str:
    """Return nanoseconds since 1970, exact to the microsecond."""
    return f"{int(moment.timestamp()) * 1_000_000 + moment.microsecond}000"
