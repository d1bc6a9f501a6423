"""The fields of a request's JSON body, and the values that they may have."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from gateway.protocols.reasoning import Detail

from .shapes import ChosenFunction, Function, JsonSchema, Tool, ToolChoice

__all__ = ["CHAT_FIELDS", "Body", "Positive", "ProviderPreferences", "Reasoning"]

Positive = Annotated[int, Meta(ge=1)]
Penalty = Annotated[float, Meta(ge=-2, le=2)]
Metadata = Annotated[
    dict[Annotated[str, Meta(max_length=64)], Annotated[str, Meta(max_length=512)]], Meta(max_length=16)
]


class ProviderPreferences(msgspec.Struct, frozen=True, kw_only=True):
    """The `provider` object: which endpoints may serve the request, and the order in which they are tried."""

    order: list[str] | None = None
    allow_fallbacks: bool | None = None
    require_parameters: bool | None = None
    data_collection: Literal["allow", "deny"] | None = None
    zdr: bool | None = None
    enforce_distillable_text: bool | None = None
    only: list[str] | None = None
    ignore: list[str] | None = None
    quantizations: list[str] | None = None
    sort: str | dict[str, Any] | None = None
    preferred_min_throughput: float | dict[str, float] | None = None
    preferred_max_latency: float | dict[str, float] | None = None
    max_price: dict[str, float | str] | None = None

    @property
    def forbids_keeping(self) -> bool:
        """Whether nothing of the request may be kept, by providers or by this site."""
        return bool(self.zdr) or self.data_collection == "deny"


class _Usage(msgspec.Struct, frozen=True):
    include: bool | None = None


class _StreamOptions(msgspec.Struct, frozen=True):
    include_usage: bool | None = None


class Reasoning(msgspec.Struct, frozen=True, kw_only=True):
    """How much the model should reason, and whether its reasoning is part of the response."""

    effort: Literal["max", "xhigh", "high", "medium", "low", "minimal", "none"] | None = None
    max_tokens: Positive | None = None
    exclude: bool | None = None
    enabled: bool | None = None
    summary: str | None = None


class _ImageUrl(msgspec.Struct):
    url: str
    detail: str | None = None


class _File(msgspec.Struct):
    filename: str | None = None
    file_data: str | None = None
    file_id: str | None = None


class _Part(msgspec.Struct):
    type: str
    text: str | None = None
    image_url: _ImageUrl | None = None
    file: _File | None = None
    input_audio: dict[str, Any] | None = None
    video_url: dict[str, Any] | None = None


class _CalledFunction(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(msgspec.Struct):
    id: str | None = None
    function: _CalledFunction | None = None


class _Message(msgspec.Struct):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[_Part] | None = None
    name: str | None = None
    tool_calls: list[_ToolCall] | None = None
    tool_call_id: str | None = None
    function_call: _CalledFunction | None = None
    reasoning: str | None = None
    reasoning_details: list[Detail] | None = None


class _Plugin(msgspec.Struct):
    id: str
    enabled: bool | None = None


class _ResponseFormat(msgspec.Struct):
    type: Literal["text", "json_object", "json_schema", "grammar", "python"]
    json_schema: JsonSchema | None = None


class _Prediction(msgspec.Struct):
    type: Literal["content"]
    content: str | list[dict[str, Any]]


class _WebSearchOptions(msgspec.Struct):
    search_context_size: Literal["low", "medium", "high"] | None = None
    user_location: dict[str, Any] | None = None


class Body(msgspec.Struct):
    """The fields that are checked. All others go to the provider unread."""

    model: Annotated[str, Meta(max_length=300)] | None = None
    models: Annotated[list[Annotated[str, Meta(max_length=300)]], Meta(max_length=50)] | None = None
    route: str | None = None
    preset: Annotated[str, Meta(max_length=64)] | None = None
    messages: list[_Message] | None = None
    prompt: str | list[Any] | None = None
    stream: bool | None = None
    stream_options: _StreamOptions | None = None
    usage: _Usage | None = None
    max_tokens: Positive | None = None
    max_completion_tokens: Positive | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, Meta(gt=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None
    min_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_a: Annotated[float, Meta(ge=0, le=1)] | None = None
    frequency_penalty: Penalty | None = None
    presence_penalty: Penalty | None = None
    repetition_penalty: Annotated[float, Meta(gt=0, le=2)] | None = None
    seed: int | None = None
    logit_bias: dict[str, Annotated[float, Meta(ge=-100, le=100)]] | None = None
    logprobs: bool | Annotated[int, Meta(ge=0, le=20)] | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    stop: str | list[str] | None = None
    n: Annotated[int, Meta(ge=1, le=128)] | None = None
    best_of: int | None = None
    echo: bool | None = None
    suffix: str | None = None
    functions: list[Function] | None = None
    function_call: str | ChosenFunction | None = None
    tools: list[Tool] | None = None
    tool_choice: str | ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    response_format: _ResponseFormat | None = None
    structured_outputs: bool | None = None
    reasoning: Reasoning | None = None
    reasoning_effort: Literal["max", "xhigh", "high", "medium", "low", "minimal", "none"] | None = None
    include_reasoning: bool | None = None
    verbosity: Literal["low", "medium", "high", "xhigh", "max"] | None = None
    prediction: _Prediction | None = None
    web_search_options: _WebSearchOptions | None = None
    modalities: list[Literal["text", "image", "audio"]] | None = None
    image_config: dict[str, Any] | None = None
    service_tier: Literal["auto", "default", "flex", "priority", "fast", "scale"] | None = None
    provider: ProviderPreferences | None = None
    plugins: list[_Plugin] | None = None
    transforms: list[str] | None = None
    user: Annotated[str, Meta(max_length=256)] | None = None
    safety_identifier: Annotated[str, Meta(max_length=256)] | None = None
    prompt_cache_key: Annotated[str, Meta(max_length=1024)] | None = None
    metadata: Metadata | None = None
    session_id: Annotated[str, Meta(max_length=256)] | None = None


#: The names of all fields that are checked.
CHAT_FIELDS = frozenset(Body.__struct_fields__)
