"""Chat and completion requests, leniently typed: fields that are not needed here are ignored."""

import re
from typing import Any

import msgspec

from sandbox.providers.prompts.schemas import check_schema

__all__ = ["ChatRequest", "CompletionRequest", "PromptRequest", "check_request", "parts_of", "text_of"]

Message = dict[str, Any]

#: Names of functions that all of the stand-ins take.
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_-]{0,63}")


class StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool | None = None


class ResponseFormat(msgspec.Struct, frozen=True):
    type: str = "text"
    json_schema: dict[str, Any] | None = None


class Reasoning(msgspec.Struct, frozen=True):
    effort: str | None = None
    max_tokens: int | None = None
    exclude: bool | None = None
    enabled: bool | None = None


class Sampling(msgspec.Struct, frozen=True, kw_only=True):
    """The fields that both kinds of request share."""

    model: str
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    seed: int | None = None
    stop: str | list[str] | None = None
    n: int | None = None

    @property
    def token_limit(self) -> int | None:
        return self.max_completion_tokens if self.max_completion_tokens is not None else self.max_tokens

    @property
    def stops(self) -> list[str]:
        return [self.stop] if isinstance(self.stop, str) else self.stop or []

    @property
    def wants_usage(self) -> bool:
        return bool(self.stream_options and self.stream_options.include_usage)


class Prediction(msgspec.Struct, frozen=True):
    content: str | list[dict[str, Any]]


class ChatRequest(Sampling, frozen=True, kw_only=True):
    messages: list[Message]
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    reasoning: Reasoning | None = None
    reasoning_effort: str | None = None
    include_reasoning: bool | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None
    modalities: list[str] | None = None
    prediction: Prediction | None = None
    service_tier: str | None = None

    @property
    def effort(self) -> str | None:
        """How hard to think, "minimal" to "max"; None when the request does not ask for reasoning."""
        wanted = self.reasoning
        word = self.reasoning_effort or (wanted.effort if wanted else None)
        if word == "none" or (wanted and wanted.enabled is False):
            return None
        if word:
            return word
        return "medium" if self.include_reasoning or wanted else None


class _Function(msgspec.Struct, frozen=True):
    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None


class _Tool(msgspec.Struct, frozen=True):
    type: str
    function: _Function | None = None


class _Choice(msgspec.Struct, frozen=True):
    function: _Function


def check_request(request: ChatRequest) -> None:
    """Raises ValueError, with a sentence, for a request that no provider accepts: no content, a malformed schema."""
    if not request.messages:
        raise ValueError("messages: there is no content.")
    names = set()
    for number, tool in enumerate(msgspec.convert(request.tools or [], list[_Tool])):
        if tool.type not in {"function", "custom"}:
            raise ValueError(f"tools.{number}.type: {tool.type!r} is neither 'function' nor 'custom'.")
        if tool.type == "custom":
            continue
        if tool.function is None or not tool.function.name:
            raise ValueError(f"tools.{number}: a function needs a name.")
        if not _NAME.fullmatch(tool.function.name):
            raise ValueError(f"tools.{number}.name: must match {_NAME.pattern}.")
        names.add(tool.function.name)
        if tool.function.parameters is not None:
            check_schema(tool.function.parameters, f"tools.{number}.parameters", is_object=True)
    if isinstance(request.tool_choice, dict):
        chosen = msgspec.convert(request.tool_choice, _Choice).function.name
        if chosen not in names:
            raise ValueError(f"tool_choice: there is no tool {chosen!r}.")
    elif request.tool_choice not in (None, "none", "auto", "required"):
        raise ValueError("tool_choice: must be 'none', 'auto', 'required' or name a function.")
    wanted = request.response_format
    if wanted and wanted.type not in ("text", "json_object", "json_schema"):
        raise ValueError("response_format.type: must be 'text', 'json_object' or 'json_schema'.")
    if wanted and wanted.type == "json_schema":
        if wanted.json_schema is None:
            raise ValueError("response_format.json_schema: missing.")
        check_schema(wanted.json_schema.get("schema", True), "response_format.json_schema.schema")


class PromptRequest(ChatRequest, frozen=True, kw_only=True):
    """A completion request read as a chat."""

    echo: str = ""  # said again before the answer


class CompletionRequest(Sampling, frozen=True, kw_only=True):
    prompt: str | list[str]
    echo: bool | None = None
    suffix: str | None = None

    @property
    def text(self) -> str:
        return self.prompt if isinstance(self.prompt, str) else "\n".join(self.prompt)


def parts_of(message: Message) -> list[dict[str, Any]]:
    """The content parts of a message; a plain string is one text part."""
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    return [part for part in content if isinstance(part, dict)] if isinstance(content, list) else []


def text_of(message: Message) -> str:
    """The text of a message, its text parts joined by line ends."""
    content = message.get("content")
    if isinstance(content, str):
        return content
    return "\n".join(str(part.get("text") or "") for part in parts_of(message) if part.get("type") == "text")
