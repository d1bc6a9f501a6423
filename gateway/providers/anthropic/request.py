"""Requests in Anthropic's Messages protocol."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from gateway.callers import Caller
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.providers.failures import ProviderFailure
from gateway.providers.fetching import Fetched
from gateway.providers.prompt import Mark, Media, Text, calls_of, is_system, mark_of, parts_of, thoughts_of
from gateway.providers.request_context import alias_of, ceiling, effort_of, fitted, supports, thinking_budget
from gateway.routing.plan import Attempt
from gateway.tokens.compression import ANTHROPIC_MAX_MESSAGES

from .generations import Claude, claude
from .schema import to_supported_schema

__all__ = ["FORMAT", "addresses_to_fetch", "request_body"]

Body = dict[str, Any]
Message = Mapping[str, Any]

#: The name of this protocol's thoughts in `reasoning_details`.
FORMAT = "anthropic-claude-v1"

#: Tokens of an answer, which the protocol must be told, when nobody knows how many the model can give.
DEFAULT_TOKENS = 4096

LEAST_BUDGET, MOST_BUDGET = 1024, 128_000  # tokens

_MARKS: dict[Mark, Body] = {"5m": {"type": "ephemeral"}, "1h": {"type": "ephemeral", "ttl": "1h"}}
_ODD_IN_IDS = re.compile(r"[^a-zA-Z0-9_-]")


def addresses_to_fetch(messages: list[dict[str, Any]]) -> list[str]:
    """Attachments at addresses that the provider would not fetch itself: those without encryption."""
    parts = [part for message in messages for part in parts_of(message)]
    return [part.url for part in parts if isinstance(part, Media) and part.url.lower().startswith("http:")]


def request_body(
    request: ChatRequest, attempt: Attempt, caller: Caller, max_tokens: int | None, fetched: Mapping[str, Fetched]
) -> Body:
    """The JSON object for this provider. What the caller left out, and what the model refuses, is left out."""
    endpoint, asked = attempt.endpoint, request.body
    model = endpoint.provider_model_id or attempt.model.id
    limit = ceiling(attempt, max_tokens) or endpoint.max_completion_tokens or DEFAULT_TOKENS
    messages = fitted(request, attempt, max_tokens, ANTHROPIC_MAX_MESSAGES)
    system = [block for message in messages if is_system(message) for block in _blocks(message, fetched)]
    turns = _turns(messages, fetched)
    if not turns:
        system, turns = [], [{"role": "user", "content": system}]
    if instruction := _json_instruction(request, attempt):
        system.append({"type": "text", "text": instruction})
    body: Body = {"model": model, "max_tokens": limit, "messages": turns}
    if system:
        body["system"] = system
    if request.stream:
        body["stream"] = True
    if stops := [stop for stop in _stops(asked.get("stop")) if stop.strip()]:  # blank ones are refused
        body["stop_sequences"] = stops
    if mark := mark_of(asked):
        body["cache_control"] = _MARKS[mark]
    if alias := alias_of(request, caller):
        body["metadata"] = {"user_id": alias}
    body |= _tools(request, attempt)
    if endpoint.prices.input_cache_write_1h is None:
        _shorten_marks(body)
    body |= _thinking(request, attempt, claude(model), limit, body)
    if body.get("thinking", {}).get("type", "disabled") == "disabled":
        body |= _sampling(request, attempt, claude(model))
    if (verbosity := asked.get("verbosity")) and claude(model).takes_efforts:
        # The protocol has one effort for thinking and saying; the wish for thinking comes first.
        body.setdefault("output_config", {}).setdefault("effort", claude(model).effort(verbosity))
    if schema := _answer_schema(request, attempt):
        body.setdefault("output_config", {})["format"] = {"type": "json_schema", "schema": schema}
    return body


# --- Messages -----------------------------------------------------------------------------------------


def _turns(messages: list[dict[str, Any]], fetched: Mapping[str, Fetched]) -> list[Body]:
    """The conversation in turns of user and assistant. A tool's result is a user's, and belongs to its neighbours."""
    turns: list[Body] = []
    for message in messages:
        if is_system(message):
            continue
        role = "assistant" if message.get("role") == "assistant" else "user"
        blocks = list(_message(message, fetched))
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        elif blocks:
            turns.append({"role": role, "content": blocks})
    if turns and turns[-1]["role"] == "assistant" and turns[-1]["content"][-1]["type"] == "text":
        # The beginning of an answer; space at its end is refused.
        turns[-1]["content"][-1]["text"] = turns[-1]["content"][-1]["text"].rstrip()
    return turns


def _message(message: Message, fetched: Mapping[str, Fetched]) -> Iterator[Body]:
    role = message.get("role")
    if role in {"tool", "function"}:
        result: Body = {"type": "tool_result", "tool_use_id": _id(message.get("tool_call_id") or message.get("name"))}
        blocks = _blocks(message, fetched)
        for mark in [block.pop("cache_control") for block in blocks if "cache_control" in block]:
            result["cache_control"] = mark
        yield result | ({"content": blocks} if blocks else {})
        return
    if role == "assistant":
        yield from _thoughts(message)
    yield from _blocks(message, fetched)
    for call in calls_of(message):
        yield {"type": "tool_use", "id": _id(call.id), "name": call.name, "input": call.arguments}


def _blocks(message: Message, fetched: Mapping[str, Fetched]) -> list[Body]:
    blocks: list[Body] = []
    for part in parts_of(message):
        block: Body = {"type": "text", "text": part.text} if isinstance(part, Text) else _media(part.filled(fetched))
        if part.mark:
            block["cache_control"] = _MARKS[part.mark]
        blocks.append(block)
    return blocks


def _media(media: Media) -> Body:
    if media.kind not in {"image", "file"}:
        raise ProviderFailure(400, f"This provider takes no {media.kind}.", error_type="invalid_request")
    if media.url:
        source: Body = {"type": "url", "url": media.url}
    elif media.media_type.startswith("text/"):
        source = {"type": "text", "media_type": "text/plain", "data": media.text}
    else:
        source = {"type": "base64", "media_type": media.media_type, "data": media.data}
    if media.kind == "image" or media.media_type.startswith("image/"):
        return {"type": "image", "source": source}
    return {"type": "document", "source": source} | ({"title": media.name} if media.name else {})


def _thoughts(message: Message) -> Iterator[Body]:
    """Earlier thoughts, exactly as they came: a changed one, or one without its signature, is refused."""
    for detail in thoughts_of(message, FORMAT):
        if detail.get("type") == "reasoning.text" and detail.get("signature"):
            yield {"type": "thinking", "thinking": detail.get("text") or "", "signature": detail["signature"]}
        elif detail.get("type") == "reasoning.encrypted" and detail.get("data"):
            yield {"type": "redacted_thinking", "data": detail["data"]}


def _id(call_id: Any) -> str:
    # Other providers' ids have dots and colons; a conversation may move here in its middle.
    return _ODD_IN_IDS.sub("_", str(call_id or "call"))


def _shorten_marks(body: Body) -> None:
    """Where nobody knows the price of an hour in the cache, five minutes must do."""
    blocks = [block for turn in body["messages"] for block in turn["content"]]
    for block in (body, *body.get("system", ()), *body.get("tools", ()), *blocks):
        if "cache_control" in block:
            block["cache_control"] = _MARKS["5m"]


# --- Everything else ----------------------------------------------------------------------------------


def _stops(stop: str | list[str] | None) -> list[str]:
    return [stop] if isinstance(stop, str) else stop or []


def _tools(request: ChatRequest, attempt: Attempt) -> Body:
    functions = [tool for tool in request.body.get("tools") or () if isinstance(tool.get("function"), Mapping)]
    if not functions or not supports(attempt.endpoint, "tools"):
        return {}
    strict = supports(attempt.endpoint, "structured_outputs")
    body: Body = {"tools": [_tool(tool, strict) for tool in functions]}
    wish = request.body.get("tool_choice")
    if isinstance(wish, Mapping):
        choice: Body = {"type": "tool", "name": (wish.get("function") or {}).get("name")}
    else:
        choice = {"type": {"none": "none", "required": "any"}.get(str(wish), "auto")}
    if request.body.get("parallel_tool_calls") is False and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    if choice != {"type": "auto"}:
        body["tool_choice"] = choice
    return body


def _tool(tool: Message, may_be_strict: bool) -> Body:
    function = tool["function"]
    schema = function.get("parameters") or {"type": "object", "properties": {}}
    made: Body = {"name": function.get("name"), "input_schema": schema}
    if function.get("description"):
        made["description"] = function["description"]
    if function.get("strict") is True and may_be_strict:
        made |= {"strict": True, "input_schema": to_supported_schema(schema)}
    if mark := mark_of(tool) or mark_of(function):
        made["cache_control"] = _MARKS[mark]
    return made


def _thinking(request: ChatRequest, attempt: Attempt, model: Claude, limit: int, body: Body) -> Body:
    """The fields that steer how the model thinks.

    It cannot be made to think and to call a tool, nor to think before an answer that has already begun, nor, with a
    budget, in a chain of tool calls that it began without thoughts: there thinking gives way.
    """
    if not supports(attempt.endpoint, "reasoning"):
        return {}
    wish = effort_of(request, limit)
    if wish == "none":
        return {"thinking": {"type": "disabled"}}
    last = body["messages"][-1]
    if last["role"] == "assistant" or body.get("tool_choice", {}).get("type") in {"any", "tool"}:
        return {}
    reasoning = request.reasoning
    budget_given = reasoning is not None and reasoning.max_tokens is not None
    if model.takes_efforts and not (budget_given and model.takes_budgets):
        if wish is None and not model.thinks_unasked:
            return {}
        hidden = reasoning is not None and bool(reasoning.exclude)
        fields: Body = {"thinking": {"type": "adaptive", "display": "omitted" if hidden else "summarized"}}
        if wish is not None:
            fields["output_config"] = {"effort": model.effort(wish)}
        return fields
    budget = thinking_budget(request, limit, LEAST_BUDGET, MOST_BUDGET)
    if wish is None or budget < LEAST_BUDGET or _in_chain_without_thoughts(body["messages"]):
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _in_chain_without_thoughts(turns: list[Body]) -> bool:
    if len(turns) < 2 or turns[-1]["content"][0]["type"] != "tool_result":
        return False
    return turns[-2]["content"][0]["type"] not in {"thinking", "redacted_thinking"}


def _sampling(request: ChatRequest, attempt: Attempt, model: Claude) -> Body:
    names = ("temperature", "top_p", "top_k")
    fields = {
        name: value
        for name in names
        if (value := request.body.get(name)) is not None and supports(attempt.endpoint, name)
    }
    if "temperature" in fields:
        fields["temperature"] = min(fields["temperature"], 1)
        if model.takes_one_of_temperature_and_top_p:
            fields.pop("top_p", None)
    return fields


def _answer_schema(request: ChatRequest, attempt: Attempt) -> Body | None:
    """The schema that the answer is made to keep."""
    wanted = (request.body.get("response_format") or {}).get("json_schema")
    if not isinstance(wanted, Mapping) or not isinstance(wanted.get("schema"), Mapping):
        return None
    return to_supported_schema(wanted["schema"]) if supports(attempt.endpoint, "structured_outputs") else None


def _json_instruction(request: ChatRequest, attempt: Attempt) -> str:
    """Words for what the protocol has no field for: JSON of any shape, or a schema where it cannot be enforced."""
    wanted = request.body.get("response_format") or {}
    if wanted.get("type") not in {"json_object", "json_schema"} or not supports(attempt.endpoint, "response_format"):
        return ""
    if _answer_schema(request, attempt):
        return ""
    instruction = "Answer with one JSON object and nothing else: no other text, no code fence."
    schema = (wanted.get("json_schema") or {}).get("schema")
    return f"{instruction} It keeps this JSON Schema: {msgspec.json.encode(schema).decode()}" if schema else instruction
