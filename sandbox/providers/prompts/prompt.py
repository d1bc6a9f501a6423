"""The tokens of a prompt: its tools, then its messages."""

from itertools import takewhile
from typing import Any

import msgspec

from sandbox.providers.prompts import tokens
from sandbox.providers.prompts.chat_request import ChatRequest, parts_of

__all__ = ["audio_tokens", "predicted_tokens", "prompt_tokens"]

_LOW_DETAIL = 85
_IMAGE = 765
_BYTES_PER_TOKEN = 64  # of files and recordings


def prompt_tokens(request: ChatRequest) -> tuple[list[str], int]:
    """(every token of the prompt in order, how many of them come before the last cache mark).

    Each message has one token for its role and two around it.
    """
    pieces: list[str] = []
    marked = 0
    if request.tools:
        pieces += tokens.split(msgspec.json.encode(request.tools).decode())
        if any("cache_control" in tool for tool in request.tools):
            marked = len(pieces)
    for message in request.messages:
        pieces += ("<", str(message.get("role") or ""), ">")
        content = message.get("content")
        if isinstance(content, str):
            pieces += tokens.split(content)
        else:
            for part in parts_of(message):
                pieces += _of_part(part)
                if part.get("cache_control"):
                    marked = len(pieces)
        for call in message.get("tool_calls") or ():
            pieces += tokens.split(msgspec.json.encode(call).decode())
        if message.get("cache_control"):
            marked = len(pieces)
    return pieces, marked


def audio_tokens(request: ChatRequest) -> int:
    """How many tokens of the prompt are of recordings."""
    return sum(
        len(_of_part(part))
        for message in request.messages
        for part in parts_of(message)
        if part.get("type") == "input_audio"
    )


def predicted_tokens(request: ChatRequest, answer: list[str]) -> tuple[int, int]:
    """(the tokens of the answer that the request has predicted, those that it has predicted wrongly)."""
    content = request.prediction.content if request.prediction else ""
    text = content if isinstance(content, str) else "".join(str(part.get("text") or "") for part in content)
    predicted = tokens.split(text)
    accepted = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(predicted, answer, strict=False)))
    return accepted, min(len(predicted), len(answer)) - accepted


def _of_part(part: dict[str, Any]) -> list[str]:
    if part.get("type") == "text":
        return tokens.split(str(part.get("text") or ""))
    if part.get("type") == "image_url":
        image = part.get("image_url")
        url, detail = (str(image.get("url")), image.get("detail")) if isinstance(image, dict) else (str(image), None)
        return [url] * (_LOW_DETAIL if detail == "low" else _IMAGE)
    body = msgspec.json.encode(part)
    return [body.decode()] * max(1, len(body) // _BYTES_PER_TOKEN)
