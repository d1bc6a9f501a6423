"""Requests in OpenAI's chat protocol, without what the one or the other provider would refuse."""

from typing import Any

from gateway.callers import Caller
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.providers.request_context import (
    alias_of,
    cache_key_of,
    ceiling,
    effort_of,
    fitted,
    longest_answer,
    supports,
)
from gateway.routing.plan import Attempt
from models_catalog.parameters import DROPPABLE

__all__ = ["request_body"]

#: Fields that mean something to the gateway and nothing, or something else, to a provider.
GATEWAY_FIELDS = frozenset(
    {
        "model", "models", "route", "messages", "prompt", "stream", "stream_options", "usage", "provider", "plugins",
        "transforms", "preset", "session_id", "user", "trace", "debug", "max_tokens", "max_completion_tokens",
        "reasoning", "reasoning_effort", "include_reasoning", "n", "best_of", "echo", "metadata", "store",
        "structured_outputs", "max_tool_calls", "stop_server_tools_when", "cache_control", "safety_identifier",
        "service_tier",  # the catalogue's prices are those of the standard tier
        "prompt_cache_key",  # goes on under another name, where it goes on
    }
)  # fmt: skip

#: Whose protocol it is: OpenAI, and those who host its API.
OPENAIS = frozenset({"azure", "openai"})

#: Fields that nobody else knows, and some refuse.
OPENAI_FIELDS = frozenset({"prompt_cache_options", "prompt_cache_retention"})

#: The fields that the most particular providers publish: they refuse a request with any other.
_USUAL = frozenset(
    {
        "frequency_penalty", "max_tokens", "messages", "model", "parallel_tool_calls", "presence_penalty",
        "reasoning_effort", "response_format", "stop", "stream", "temperature", "tool_choice", "tools", "top_p",
    }
)  # fmt: skip
PUBLISHED_FIELDS = {
    "groq": _USUAL
    | {
        "citation_options", "compound_custom", "disable_tool_validation", "documents", "include_reasoning",
        "reasoning_format", "search_settings", "seed", "stream_options", "user",
    },
    "mistral": _USUAL | {"prediction", "prompt_mode", "random_seed", "safe_prompt"},
}  # fmt: skip

#: Providers that refuse a request whose messages or tools have more fields than OpenAI's own: thoughts of an earlier
#: answer, which clients send back as they got them, and marks for somebody else's cache.
STRICT = OPENAIS | PUBLISHED_FIELDS.keys()
MESSAGE_FIELDS = frozenset({"role", "content", "name", "tool_calls", "tool_call_id", "function_call", "refusal"})

#: Efforts and verbosities that this protocol does not have.
_LEVELS = {"max": "high", "xhigh": "high"}


def request_body(request: ChatRequest, attempt: Attempt, caller: Caller, max_tokens: int | None) -> dict[str, Any]:
    """The JSON object for this provider. What the caller left out stays left out."""
    endpoint = attempt.endpoint
    body = {
        name: value
        for name, value in request.body.items()
        if name not in GATEWAY_FIELDS
        and value is not None
        and (name not in OPENAI_FIELDS or endpoint.provider in OPENAIS)
        and (name not in DROPPABLE or supports(endpoint, name))
    }
    body["model"] = endpoint.provider_model_id or attempt.model.id
    body["messages"] = fitted(request, attempt, max_tokens)
    if endpoint.provider in STRICT:
        body["messages"] = [_plain(message, endpoint.provider in OPENAIS) for message in body["messages"]]
        if "tools" in body:
            body["tools"] = [_unmarked(tool) for tool in body["tools"]]
    if request.stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    if limit := ceiling(attempt, max_tokens):
        # OpenAI's newer models refuse `max_tokens`.
        body["max_completion_tokens" if endpoint.provider in OPENAIS else "max_tokens"] = limit
    if supports(endpoint, "reasoning") and (effort := _effort(request, longest_answer(attempt, max_tokens))):
        body["reasoning_effort"] = "high" if endpoint.provider == "mistral" and effort != "none" else effort
    if body.get("verbosity") in _LEVELS:
        body["verbosity"] = _LEVELS[body["verbosity"]]
    if alias := alias_of(request, caller):
        body["user"] = alias
    if endpoint.provider in OPENAIS and (key := cache_key_of(request, caller)):
        body["prompt_cache_key"] = key
    if published := PUBLISHED_FIELDS.get(endpoint.provider):
        body = {name: value for name, value in body.items() if name in published}
    return body


def _plain(message: dict[str, Any], takes_names: bool) -> dict[str, Any]:
    """The message with OpenAI's own fields only; the speaker's name begins the text where it has no other place."""
    plain = {name: value for name, value in message.items() if name in MESSAGE_FIELDS and (value or name == "content")}
    if isinstance(content := message.get("content"), list):
        plain["content"] = [_unmarked(part) for part in content]
    if not takes_names and (name := plain.pop("name", None)) and plain.get("role") not in {"tool", "function"}:
        _say_name(plain, name)
    return plain


def _say_name(plain: dict[str, Any], name: str) -> None:
    content = plain.get("content")
    if isinstance(content, str):
        plain["content"] = f"{name}: {content}"
    for part in content if isinstance(content, list) else ():
        if part.get("type") == "text":
            part["text"] = f"{name}: {part.get('text') or ''}"
            return


def _unmarked(thing: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in thing.items() if name != "cache_control"}


def _effort(request: ChatRequest, answer_tokens: int) -> str | None:
    reasoning = request.reasoning
    if reasoning is None or reasoning.enabled is False:
        return None
    effort = effort_of(request, answer_tokens)
    if effort == "minimal" and reasoning.max_tokens:
        return "low"  # some models have nothing lower, and nobody asked for it by name
    return _LEVELS.get(effort, effort) if effort else None
