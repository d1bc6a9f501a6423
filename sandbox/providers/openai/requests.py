"""Reads chat requests and completion requests."""

from typing import Any

import msgspec

from sandbox.providers.prompts.chat_request import ChatRequest, CompletionRequest, PromptRequest

__all__ = ["read_chat_request", "read_completion_request"]

_MOST_LOGPROBS = 20
_MOST_CHOICES = 128


class _Part(msgspec.Struct, frozen=True):
    type: str
    text: str | None = None
    image_url: str | dict[str, Any] | None = None
    file: dict[str, Any] | None = None


class _CalledFunction(msgspec.Struct, frozen=True):
    name: str | None = None


class _Call(msgspec.Struct, frozen=True):
    id: str | None = None
    function: _CalledFunction | None = None


class _Message(msgspec.Struct, frozen=True):
    role: str
    content: str | list[_Part] | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None


_chat = msgspec.json.Decoder(ChatRequest)
_legacy = msgspec.json.Decoder(CompletionRequest)
_SHARED = set(ChatRequest.__struct_fields__) & set(CompletionRequest.__struct_fields__) - {"echo"}


def read_chat_request(body: bytes) -> ChatRequest:
    """The chat request in `body`; ValueError, with a sentence, when there is none."""
    request = _chat.decode(body)
    if not request.messages:
        raise ValueError("'messages' must have at least one message.")
    for number, message in enumerate(msgspec.convert(request.messages, list[_Message])):
        if message.content == []:
            raise ValueError(f"messages.{number}.content: the list is empty.")
    if request.top_logprobs is not None and not 0 <= request.top_logprobs <= _MOST_LOGPROBS:
        raise ValueError(f"'top_logprobs' must be between 0 and {_MOST_LOGPROBS}.")
    _check_common(request)
    return request


def read_completion_request(body: bytes) -> PromptRequest:
    """The completion request in `body` as a chat request; ValueError, with a sentence, when there is none."""
    request = _legacy.decode(body)
    if isinstance(request.prompt, list) and len(request.prompt) != 1:
        raise ValueError("Only one prompt is supported.")
    _check_common(request)
    common = {name: getattr(request, name) for name in _SHARED}
    echo = request.text if request.echo else ""
    return PromptRequest(messages=[{"role": "user", "content": request.text}], echo=echo, **common)


def _check_common(request: ChatRequest | CompletionRequest) -> None:
    if request.n is not None and not 1 <= request.n <= _MOST_CHOICES:
        raise ValueError(f"'n' must be between 1 and {_MOST_CHOICES}.")
    if request.token_limit is not None and request.token_limit < 1:
        raise ValueError("'max_tokens' must be at least 1.")
    if len(request.stops) > 16:
        raise ValueError("'stop' has too many sequences.")
