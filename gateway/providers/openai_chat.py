"""Providers that speak OpenAI's chat protocol, with the liberties they take with it.

What they send differs in small ways: usage in a chunk of its own, in every chunk or in one with
choices; reasoning under two names; finish reasons of their own; errors in four shapes; a missing
`[DONE]`. What leaves here is the same for all: Delta, Finished, and Usage on the way.
"""

from typing import Any

import msgspec

from gateway.callers import Caller
from gateway.events import Delta, Finished, Usage
from gateway.failures import ProviderFailure
from gateway.request import ChatRequest
from gateway.routing import Attempt

from .answer import Answer, counted
from .asking import alias_of, ceiling, effort_of, fitted, longest_answer, send, supports
from .errors import failure_from

__all__ = ["open_answer"]

#: Fields that mean something to the gateway and nothing, or something else, to a provider.
GATEWAY_FIELDS = frozenset(
    {
        "model", "models", "route", "messages", "prompt", "stream", "stream_options", "usage", "provider", "plugins",
        "transforms", "preset", "session_id", "user", "trace", "debug", "max_tokens", "max_completion_tokens",
        "reasoning", "reasoning_effort", "include_reasoning", "n", "best_of", "echo", "metadata", "store",
        "structured_outputs", "max_tool_calls", "stop_server_tools_when", "cache_control",
    }
)  # fmt: skip

#: Sampling parameters that are left out when the endpoint does not list them. Others always travel.
OPTIONAL_PARAMETERS = frozenset(
    {
        "temperature", "top_p", "top_k", "min_p", "top_a", "frequency_penalty", "presence_penalty",
        "repetition_penalty", "seed", "logit_bias", "logprobs", "top_logprobs", "stop", "tools", "tool_choice",
        "parallel_tool_calls", "response_format", "verbosity", "prediction", "web_search_options",
    }
)  # fmt: skip

#: Providers that refuse a request whose messages or tools have more fields than OpenAI's own: thoughts of an earlier
#: answer, which clients send back as they got them, and marks for somebody else's cache.
STRICT = frozenset({"azure", "groq", "mistral", "openai"})
MESSAGE_FIELDS = frozenset({"role", "content", "name", "tool_calls", "tool_call_id", "function_call", "refusal"})

#: Providers whose newer models refuse `max_tokens`.
MAX_COMPLETION_TOKENS = frozenset({"openai", "azure"})

#: Efforts and verbosities that this protocol does not have.
_LEVELS = {"max": "high", "xhigh": "high"}

FINISH_REASONS = {
    "stop": "stop", "eos": "stop", "end_turn": "stop", "stop_sequence": "stop", "complete": "stop", "eos_token": "stop",
    "length": "length", "max_tokens": "length", "model_length": "length", "max_output_tokens": "length",
    "tool_calls": "tool_calls", "tool_use": "tool_calls", "function_call": "tool_calls",
    "content_filter": "content_filter", "safety": "content_filter", "recitation": "content_filter",
    "refusal": "content_filter", "error": "error",
}  # fmt: skip


# --- What is sent -----------------------------------------------------------------------------------


def request_body(request: ChatRequest, attempt: Attempt, caller: Caller, max_tokens: int | None) -> dict[str, Any]:
    """The JSON object for this provider. What the caller left out stays left out."""
    endpoint = attempt.endpoint
    body = {
        name: value
        for name, value in request.body.items()
        if name not in GATEWAY_FIELDS
        and value is not None
        and (name not in OPTIONAL_PARAMETERS or supports(endpoint, name))
    }
    body["model"] = endpoint.provider_model_id or attempt.model.id
    body["messages"] = fitted(request, attempt, max_tokens)
    if endpoint.provider in STRICT:
        body["messages"] = [_plain(message) for message in body["messages"]]
        if "tools" in body:
            body["tools"] = [_unmarked(tool) for tool in body["tools"]]
    if request.stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    if limit := ceiling(attempt, max_tokens):
        body["max_completion_tokens" if endpoint.provider in MAX_COMPLETION_TOKENS else "max_tokens"] = limit
    if supports(endpoint, "reasoning") and (effort := _effort(request, longest_answer(attempt, max_tokens))):
        body["reasoning_effort"] = effort
    if body.get("verbosity") in _LEVELS:
        body["verbosity"] = _LEVELS[body["verbosity"]]
    if alias := alias_of(request, caller):
        body["user"] = alias
    return body


def _plain(message: dict[str, Any]) -> dict[str, Any]:
    """The message with OpenAI's own fields only."""
    plain = {name: value for name, value in message.items() if name in MESSAGE_FIELDS and (value or name == "content")}
    if isinstance(content := message.get("content"), list):
        plain["content"] = [_unmarked(part) for part in content]
    return plain


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


# --- What comes back --------------------------------------------------------------------------------


class _Delta(msgspec.Struct):
    content: str | list[dict[str, Any]] | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[Any] | None = None
    tool_calls: list[dict[str, Any]] | None = None
    refusal: str | None = None
    annotations: list[Any] | None = None
    images: list[Any] | None = None


class _Choice(msgspec.Struct):
    index: int = 0
    delta: _Delta | None = None
    message: _Delta | None = None
    text: str | None = None
    finish_reason: str | None = None
    native_finish_reason: str | None = None
    logprobs: Any = None
    usage: "_Usage | None" = None  # Moonshot puts it here


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _CompletionDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None
    total_tokens: int | None = None
    cached_tokens: int | None = None  # Moonshot's name for cached tokens
    prompt_cache_hit_tokens: int | None = None  # and DeepSeek's


class _Chunk(msgspec.Struct):
    id: str | None = None
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None


_decode = msgspec.json.Decoder(_Chunk, strict=False).decode


class ChatAnswer(Answer):
    """An answer in chunks of OpenAI's chat protocol, or in one piece."""

    def events_of(self, payload: bytes) -> list[Delta | Finished]:
        try:
            chunk = _decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise ProviderFailure(502, "The provider sent something that is not its protocol.") from error
        if chunk.error:
            raise failure_from(chunk.error, default_status=502)
        if chunk.id:
            self.upstream_id = chunk.id
        if chunk.usage is not None:
            self.usage = _merged(self.usage, chunk.usage)
        events: list[Delta | Finished] = []
        for choice in chunk.choices or ():
            if delta := _delta(choice):
                events.append(delta)
            if choice.usage is not None:
                self.usage = _merged(self.usage, choice.usage)
            if choice.finish_reason:
                native = choice.native_finish_reason or choice.finish_reason
                reason = FINISH_REASONS.get(choice.finish_reason.lower(), "stop")
                if reason == "error":
                    raise ProviderFailure(502, "The provider ended its answer with an error.")
                events.append(Finished(finish_reason=reason, native_finish_reason=native, index=choice.index))
        return events


async def open_answer(request: ChatRequest, attempt: Attempt, caller: Caller, max_tokens: int | None) -> ChatAnswer:
    """The provider's answer once it has accepted the request; ProviderFailure when it has not."""
    response = await send(
        f"{attempt.upstream.base_url}/chat/completions",
        attempt,
        caller,
        headers={"Authorization": f"Bearer {attempt.upstream.api_key}"},
        body=request_body(request, attempt, caller, max_tokens),
        stream=request.stream,
    )
    return ChatAnswer(response)


def _delta(choice: _Choice) -> Delta | None:
    """The choice's content as a Delta, or None when it carries nothing."""
    source = choice.delta or choice.message or _Delta(content=choice.text)
    text, thoughts = _said(source.content)
    reasoning = source.reasoning or source.reasoning_content or thoughts
    if not (
        text or reasoning or source.reasoning_details or source.tool_calls or source.refusal
        or source.annotations or source.images
    ):  # fmt: skip
        return None
    return Delta(
        text=text,
        reasoning=reasoning,
        reasoning_details=source.reasoning_details,
        tool_calls=source.tool_calls,
        refusal=source.refusal or "",
        annotations=source.annotations,
        images=source.images,
        logprobs=choice.logprobs,
        index=choice.index,
    )


def _said(content: str | list[dict[str, Any]] | None) -> tuple[str, str]:
    """(text, thoughts) of a content, which may be in parts; Mistral's thoughts are parts that have parts."""
    if isinstance(content, str):
        return content, ""
    text = thoughts = ""
    for part in content or ():
        if part.get("type") == "thinking":
            inner = part.get("thinking")
            thoughts += inner if isinstance(inner, str) else _said(inner)[0]
        else:
            text += str(part.get("text") or "")
    return text, thoughts


def _merged(known: Usage | None, new: _Usage) -> Usage | None:
    """Usage with what this chunk adds. Counts are cumulative, so the latest wins; impossible ones change nothing."""
    if new.prompt_tokens is None and new.completion_tokens is None:
        return known  # present, and says nothing: that is missing, not zero
    old = known or Usage()
    prompt_details = new.prompt_tokens_details or _PromptDetails()
    completion_details = new.completion_tokens_details or _CompletionDetails()
    prompt = _latest(new.prompt_tokens, old=old.prompt_tokens)
    completion = _latest(new.completion_tokens, old=old.completion_tokens)
    reasoning = _latest(completion_details.reasoning_tokens, old=old.reasoning_tokens)
    if new.total_tokens == prompt + completion + reasoning:
        completion += reasoning  # some leave the reasoning out of the completion; everybody bills it
    cached = _latest(
        prompt_details.cached_tokens, new.cached_tokens, new.prompt_cache_hit_tokens, old=old.cached_tokens
    )
    cache_write = _latest(prompt_details.cache_write_tokens, old=old.cache_write_tokens)
    return counted(prompt, completion, reasoning=reasoning, cached=cached, cache_write=cache_write) or known


def _latest(*new: int | None, old: int) -> int:
    """The first count that was given, or the old one."""
    return next((count for count in new if count is not None), old)
