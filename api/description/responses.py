"""Requests and answers of `/responses`, for their description."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

__all__ = ["Body", "Event", "Response"]

ItemStatus = Literal["in_progress", "completed", "incomplete"]
Share = Annotated[float, Meta(ge=0, le=1)]


class Format(msgspec.Struct, kw_only=True):
    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None


class TextConfig(msgspec.Struct, kw_only=True):
    format: Format | None = None
    verbosity: Literal["low", "medium", "high", "xhigh", "max"] | None = None


class ReasoningConfig(msgspec.Struct, kw_only=True):
    effort: Literal["max", "xhigh", "high", "medium", "low", "minimal", "none"] | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    enabled: bool | None = None
    summary: str | None = None


class Body(msgspec.Struct, kw_only=True):
    """Responses are not stored: send the whole conversation as `input`. `store` may only be false."""

    input: str | list[dict[str, Any]]
    model: str | None = None
    models: list[str] | None = None
    instructions: str | None = None
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    parallel_tool_calls: bool | None = None
    text: TextConfig | None = None
    reasoning: ReasoningConfig | None = None
    include: list[str] | None = None
    max_output_tokens: Annotated[int, Meta(ge=1)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Share | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    frequency_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Meta(ge=-2, le=2)] | None = None
    truncation: Literal["auto", "disabled"] | None = None
    stream: bool | None = None
    store: bool | None = None
    metadata: dict[str, str] | None = None
    provider: dict[str, Any] | None = None
    plugins: list[dict[str, Any]] | None = None
    user: str | None = None
    safety_identifier: str | None = None
    session_id: Annotated[str, Meta(max_length=256)] | None = None
    service_tier: str | None = None
    prompt_cache_key: str | None = None


class OutputText(msgspec.Struct, tag_field="type", tag="output_text", kw_only=True):
    text: str
    annotations: list[dict[str, Any]]
    logprobs: list[dict[str, Any]] | None = None


class Refusal(msgspec.Struct, tag_field="type", tag="refusal", kw_only=True):
    refusal: str


class OutputMessage(msgspec.Struct, tag_field="type", tag="message", kw_only=True):
    id: str
    role: Literal["assistant"]
    status: ItemStatus
    content: list[OutputText | Refusal]


class Reasoning(msgspec.Struct, tag_field="type", tag="reasoning", kw_only=True):
    id: str
    summary: list[dict[str, Any]]
    content: list[dict[str, Any]] | None = None
    encrypted_content: str | None = None
    format: str | None = None
    signature: str | None = None
    status: ItemStatus | None = None


class FunctionCall(msgspec.Struct, tag_field="type", tag="function_call", kw_only=True):
    id: str
    call_id: str
    name: str
    arguments: str
    namespace: str | None = None
    status: ItemStatus | None = None


class CustomToolCall(msgspec.Struct, tag_field="type", tag="custom_tool_call", kw_only=True):
    id: str
    call_id: str
    name: str
    input: str
    namespace: str | None = None
    status: ItemStatus | None = None


class LocalShellCall(msgspec.Struct, tag_field="type", tag="local_shell_call", kw_only=True):
    id: str
    call_id: str
    action: dict[str, Any]
    status: ItemStatus


class ApplyPatchCall(msgspec.Struct, tag_field="type", tag="apply_patch_call", kw_only=True):
    id: str
    call_id: str
    operation: dict[str, Any]
    status: ItemStatus


class ToolSearchCall(msgspec.Struct, tag_field="type", tag="tool_search_call", kw_only=True):
    """A call of the client's own search over its tools."""

    id: str
    call_id: str
    execution: Literal["client"]
    arguments: dict[str, Any]
    status: ItemStatus


class WebSearchCall(msgspec.Struct, tag_field="type", tag="web_search_call", kw_only=True):
    id: str
    status: Literal["in_progress", "searching", "completed", "failed"]
    action: dict[str, Any] | None = None


class ImageGenerationCall(msgspec.Struct, tag_field="type", tag="image_generation_call", kw_only=True):
    id: str
    status: Literal["in_progress", "generating", "completed", "failed"]
    result: str | None = None


Item = (
    OutputMessage | Reasoning | FunctionCall | CustomToolCall | LocalShellCall | ApplyPatchCall | ToolSearchCall
    | WebSearchCall | ImageGenerationCall
)  # fmt: skip


class InputTokens(msgspec.Struct, kw_only=True):
    cached_tokens: int
    cache_write_tokens: int


class OutputTokens(msgspec.Struct):
    reasoning_tokens: int


class HalvesOfCost(msgspec.Struct, kw_only=True):
    """List prices in USD."""

    upstream_inference_cost: float | None
    upstream_inference_input_cost: float
    upstream_inference_output_cost: float


class ServerToolUse(msgspec.Struct, kw_only=True):
    web_search_requests: int


class TokenUsage(msgspec.Struct, kw_only=True):
    """Token counts of the provider, and the cost in USD."""

    input_tokens: int
    input_tokens_details: InputTokens
    output_tokens: int
    output_tokens_details: OutputTokens
    total_tokens: int
    cost: float
    is_byok: bool
    cost_details: HalvesOfCost
    is_estimated: bool | None = None
    server_tool_use_details: ServerToolUse | None = None


class ResponseError(msgspec.Struct, kw_only=True):
    code: str
    message: str
    metadata: dict[str, Any] | None = None


class Response(msgspec.Struct, kw_only=True):
    """A response, with the parameters of its request."""

    id: str
    object: Literal["response"]
    created_at: int
    completed_at: int | None
    status: Literal["completed", "incomplete", "in_progress", "failed"]
    model: str
    output: list[Item]
    output_text: str
    usage: TokenUsage | None = None
    error: ResponseError | None
    error_type: str | None = None
    incomplete_details: dict[str, Any] | None
    instructions: Any
    metadata: dict[str, str] | None
    tools: list[dict[str, Any]]
    tool_choice: str | dict[str, Any]
    parallel_tool_calls: bool
    temperature: float | None
    top_p: float | None
    frequency_penalty: float | None
    presence_penalty: float | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    top_logprobs: int | None = None
    text: dict[str, Any]
    reasoning: dict[str, Any]
    truncation: Literal["auto", "disabled"]
    service_tier: str
    store: bool
    background: bool
    previous_response_id: str | None
    prompt_cache_key: str | None
    safety_identifier: str | None
    user: str | None
    provider: str | None = None
    openrouter_metadata: dict[str, Any] | None = None


class Event(msgspec.Struct, kw_only=True):
    """One event of a stream, for example `response.output_text.delta`. `type` decides which other fields it has.

    The last one is `response.completed`, `response.incomplete` or `response.failed`; `[DONE]` follows.
    """

    type: str
    sequence_number: int
    response: Response | None = None
    output_index: int | None = None
    content_index: int | None = None
    summary_index: int | None = None
    annotation_index: int | None = None
    item_id: str | None = None
    item: Item | None = None
    part: dict[str, Any] | None = None
    annotation: dict[str, Any] | None = None
    delta: str | None = None
    text: str | None = None
    refusal: str | None = None
    name: str | None = None
    arguments: str | None = None
    input: str | None = None
    logprobs: list[dict[str, Any]] | None = None
