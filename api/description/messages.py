"""Answers of `/messages`, for their description. `gateway/protocols/messages` writes them."""

from typing import Any, Literal

import msgspec

from .chat import CostDetails

__all__ = ["Error", "Event", "Response", "TokenCount"]

StopReason = (
    Literal[
        "end_turn", "max_tokens", "stop_sequence", "tool_use", "pause_turn", "refusal", "model_context_window_exceeded"
    ]
    | None
)


class Text(msgspec.Struct, tag_field="type", tag="text", kw_only=True):
    text: str
    citations: list[dict[str, Any]] | None


class ToolUse(msgspec.Struct, tag_field="type", tag="tool_use", kw_only=True):
    id: str
    name: str
    input: dict[str, Any]
    caller: dict[str, Any] | None = None


class Thinking(msgspec.Struct, tag_field="type", tag="thinking", kw_only=True):
    thinking: str
    signature: str


class RedactedThinking(msgspec.Struct, tag_field="type", tag="redacted_thinking", kw_only=True):
    data: str


class ServerToolUse(msgspec.Struct, tag_field="type", tag="server_tool_use", kw_only=True):
    id: str
    name: str
    input: dict[str, Any]


class WebSearchResult(msgspec.Struct, tag_field="type", tag="web_search_tool_result", kw_only=True):
    tool_use_id: str
    content: list[dict[str, Any]]
    caller: dict[str, Any] | None = None


Block = Text | ToolUse | Thinking | RedactedThinking | ServerToolUse | WebSearchResult


class OutputTokens(msgspec.Struct):
    thinking_tokens: int


class CacheCreation(msgspec.Struct, kw_only=True):
    ephemeral_5m_input_tokens: int
    ephemeral_1h_input_tokens: int


class ServerToolCount(msgspec.Struct, kw_only=True):
    web_search_requests: int
    web_fetch_requests: int


class TokenUsage(msgspec.Struct, kw_only=True):
    """Token counts, and the cost in USD. `input_tokens` leaves out what the cache was read or written for."""

    input_tokens: int
    output_tokens: int
    output_tokens_details: OutputTokens | None
    cache_creation_input_tokens: int | None
    cache_read_input_tokens: int | None
    cache_creation: CacheCreation | None
    inference_geo: str | None
    server_tool_use: ServerToolCount | None
    service_tier: str | None
    speed: Literal["fast", "standard"] | None
    cost: float | None = None
    is_byok: bool | None = None
    cost_details: CostDetails | None = None


class RefusalDetails(msgspec.Struct, kw_only=True):
    type: Literal["refusal"]
    category: str | None
    explanation: str | None


class ErrorDetail(msgspec.Struct, kw_only=True):
    type: str
    message: str
    error_type: str


class Response(msgspec.Struct, kw_only=True):
    """A message. One that was interrupted keeps its content, with `stop_reason` null and the error beside it."""

    id: str
    type: Literal["message"]
    role: Literal["assistant"]
    model: str
    content: list[Block]
    stop_reason: StopReason
    stop_sequence: str | None
    stop_details: RefusalDetails | None
    container: dict[str, Any] | None
    usage: TokenUsage | None = None
    provider: str | None = None
    error: ErrorDetail | None = None
    openrouter_metadata: dict[str, Any] | None = None


class BlockDelta(msgspec.Struct, kw_only=True):
    """The next piece of a block, or the ending of the message."""

    type: Literal["text_delta", "input_json_delta", "thinking_delta", "signature_delta", "citations_delta"] | None = (
        None
    )
    text: str | None = None
    partial_json: str | None = None
    thinking: str | None = None
    signature: str | None = None
    citation: dict[str, Any] | None = None
    stop_reason: StopReason = None
    stop_sequence: str | None = None
    stop_details: RefusalDetails | None = None
    container: dict[str, Any] | None = None


class Event(msgspec.Struct, kw_only=True):
    """One event of a stream. Its `event:` line repeats `type`, and `type` decides which other fields it has."""

    type: Literal[
        "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta",
        "message_stop", "ping", "error",
    ]  # fmt: skip
    message: Response | None = None
    index: int | None = None
    content_block: Block | None = None
    delta: BlockDelta | None = None
    usage: TokenUsage | None = None
    error: ErrorDetail | None = None
    openrouter_metadata: dict[str, Any] | None = None


class Error(msgspec.Struct, kw_only=True):
    """An error in the form of Anthropic's API."""

    type: Literal["error"]
    error: ErrorDetail
    request_id: str | None
    metadata: dict[str, Any] | None = None
    openrouter_metadata: dict[str, Any] | None = None


class TokenCount(msgspec.Struct):
    """The estimated size of a prompt."""

    input_tokens: int
