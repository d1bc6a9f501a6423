"""Answers of `/chat/completions` and `/completions`, for their description. `gateway/protocols` writes them."""

from typing import Any, Literal

import msgspec

__all__ = ["Chunk", "Completion", "CostDetails", "TextCompletion"]

FinishReason = Literal["stop", "length", "tool_calls", "function_call", "content_filter", "error"] | None


class PromptTokens(msgspec.Struct, kw_only=True):
    """Parts of the prompt's tokens."""

    cached_tokens: int
    cache_write_tokens: int
    audio_tokens: int | None = None


class CompletionTokens(msgspec.Struct, kw_only=True):
    """Parts of the completion's tokens."""

    reasoning_tokens: int
    image_tokens: int | None = None
    accepted_prediction_tokens: int | None = None
    rejected_prediction_tokens: int | None = None


class CostDetails(msgspec.Struct, kw_only=True):
    """List prices in USD. `upstream_inference_cost` is the bill of a provider key of your own."""

    upstream_inference_cost: float | None
    upstream_inference_prompt_cost: float
    upstream_inference_completions_cost: float


class ServerToolUse(msgspec.Struct, kw_only=True):
    """Tools that were run before the model was asked."""

    web_search_requests: int


class Usage(msgspec.Struct, kw_only=True):
    """Token counts of the provider, and the cost in USD. `is_estimated` if the provider has not reported all counts."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int
    prompt_tokens_details: PromptTokens
    completion_tokens_details: CompletionTokens
    cost: float
    is_byok: bool
    cost_details: CostDetails
    is_estimated: bool | None = None
    server_tool_use: ServerToolUse | None = None
    server_tool_use_details: ServerToolUse | None = None


class FailureMetadata(msgspec.Struct, kw_only=True):
    error_type: str
    provider_code: str | None = None


class Failure(msgspec.Struct, kw_only=True):
    """The error of a response that was interrupted after it began."""

    code: int
    message: str
    metadata: FailureMetadata


class Function(msgspec.Struct, kw_only=True):
    name: str
    arguments: str


class ToolCall(msgspec.Struct, kw_only=True):
    id: str
    type: Literal["function"]
    function: Function


class ImageUrl(msgspec.Struct):
    url: str


class Image(msgspec.Struct, kw_only=True):
    type: Literal["image_url"]
    image_url: ImageUrl
    index: int | None = None


class Message(msgspec.Struct, kw_only=True):
    role: Literal["assistant"]
    content: str | None
    refusal: str | None
    reasoning: str | None = None
    reasoning_details: list[dict[str, Any]] | None = None
    tool_calls: list[ToolCall] | None = None
    function_call: Function | None = None
    annotations: list[dict[str, Any]] | None = None
    images: list[Image] | None = None


class _Ending(msgspec.Struct, kw_only=True):
    finish_reason: FinishReason
    native_finish_reason: str | None
    logprobs: dict[str, Any] | None = None
    error: Failure | None = None


class Choice(_Ending, kw_only=True):
    index: int
    message: Message


class TextChoice(_Ending, kw_only=True):
    index: int
    text: str


class _Response(msgspec.Struct, kw_only=True):
    id: str
    created: int
    model: str
    provider: str | None = None
    system_fingerprint: str | None = None
    service_tier: str | None = None
    usage: Usage | None = None
    error: Failure | None = None
    openrouter_metadata: dict[str, Any] | None = None


class Completion(_Response, kw_only=True):
    """A whole response. One that was interrupted keeps its text, with the error in its choice."""

    object: Literal["chat.completion"]
    choices: list[Choice]


class FunctionPiece(msgspec.Struct, kw_only=True):
    name: str | None = None
    arguments: str | None = None


class ToolCallPiece(msgspec.Struct, kw_only=True):
    index: int
    id: str | None = None
    type: Literal["function"] | None = None
    function: FunctionPiece | None = None


class Delta(msgspec.Struct, kw_only=True):
    content: str | None = None
    role: Literal["assistant"] | None = None
    refusal: str | None = None
    reasoning: str | None = None
    reasoning_details: list[dict[str, Any]] | None = None
    tool_calls: list[ToolCallPiece] | None = None
    function_call: FunctionPiece | None = None
    annotations: list[dict[str, Any]] | None = None
    images: list[Image] | None = None


class ChunkChoice(_Ending, kw_only=True):
    index: int
    delta: Delta


class Chunk(_Response, kw_only=True):
    """One event of a stream. The last one before `[DONE]` has the usage and no choices."""

    object: Literal["chat.completion.chunk"]
    choices: list[ChunkChoice]


class TextCompletion(_Response, kw_only=True):
    """A whole text completion, or one event of its stream. The last event has the usage and no choices."""

    object: Literal["text_completion"]
    choices: list[TextChoice]
