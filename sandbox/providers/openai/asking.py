"""Reads chat requests and completion requests."""

import msgspec

from sandbox.providers.chat_request import ChatRequest, CompletionRequest, PromptRequest

__all__ = ["check_common", "read_chat_request", "read_completion_request"]

_chat = msgspec.json.Decoder(ChatRequest)
_legacy = msgspec.json.Decoder(CompletionRequest)


def read_chat_request(body: bytes) -> ChatRequest:
    """The chat request in `body`; ValueError, with a sentence, when there is none."""
    request = _chat.decode(body)
    if not request.messages:
        raise ValueError("'messages' must have at least one message.")
    for number, message in enumerate(request.messages):
        if not isinstance(message.get("role"), str):
            raise ValueError(f"'messages.{number}' has no role.")
        content = message.get("content")
        if content is not None and not isinstance(content, str | list):
            raise ValueError(f"'messages.{number}.content' must be a text or a list of parts.")
    check_common(request)
    return request


def read_completion_request(body: bytes) -> PromptRequest:
    """The completion request in `body` as a chat request; ValueError, with a sentence, when there is none."""
    request = _legacy.decode(body)
    if isinstance(request.prompt, list) and len(request.prompt) != 1:
        raise ValueError("Only one prompt is supported.")
    check_common(request)
    common = {name: getattr(request, name) for name in CompletionRequest.__struct_fields__ if name in _SHARED}
    echo = request.text if request.echo else ""
    return PromptRequest(messages=[{"role": "user", "content": request.text}], echo=echo, **common)


def check_common(request: ChatRequest | CompletionRequest) -> None:
    if request.n not in (None, 1):
        raise ValueError("Only n=1 is supported.")
    if request.token_limit is not None and request.token_limit < 1:
        raise ValueError("'max_tokens' must be at least 1.")
    if len(request.stops) > 16:
        raise ValueError("'stop' has too many sequences.")


_SHARED = set(ChatRequest.__struct_fields__) & set(CompletionRequest.__struct_fields__) - {"echo"}
