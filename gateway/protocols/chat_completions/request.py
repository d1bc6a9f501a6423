"""An inference request: parsed and checked once, and kept as it came for the provider that serves it."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from common.errors import InvalidRequest

from .shapes import ChosenFunction, Function, JsonSchema, ReasoningDetail, Tool, ToolChoice

__all__ = ["ChatRequest", "ProviderPreferences", "parse"]

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


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _ToolCall(msgspec.Struct):
    id: str | None = None
    function: _Function | None = None


class _Message(msgspec.Struct):
    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[_Part] | None = None
    name: str | None = None
    tool_calls: list[_ToolCall] | None = None
    tool_call_id: str | None = None
    reasoning: str | None = None
    reasoning_details: list[ReasoningDetail] | None = None


class _Plugin(msgspec.Struct):
    id: str
    enabled: bool | None = None


class _ResponseFormat(msgspec.Struct):
    type: str
    json_schema: JsonSchema | None = None


class _Body(msgspec.Struct):
    """The fields that are checked. All others go to the provider unread."""

    model: Annotated[str, Meta(max_length=300)] | None = None
    models: Annotated[list[Annotated[str, Meta(max_length=300)]], Meta(max_length=50)] | None = None
    route: str | None = None
    messages: list[_Message] | None = None
    prompt: str | None = None
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
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None
    stop: str | list[str] | None = None
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
    modalities: list[Literal["text", "image", "audio"]] | None = None
    provider: ProviderPreferences | None = None
    plugins: list[_Plugin] | None = None
    transforms: list[str] | None = None
    user: Annotated[str, Meta(max_length=256)] | None = None
    safety_identifier: Annotated[str, Meta(max_length=256)] | None = None
    prompt_cache_key: Annotated[str, Meta(max_length=1024)] | None = None
    metadata: Metadata | None = None
    session_id: Annotated[str, Meta(max_length=256)] | None = None


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A checked request. `body` is what the client sent; the gateway acts on the other fields."""

    body: dict[str, Any]
    model: str | None  # None: the account's default
    models: tuple[str, ...]  # tried after `model`
    messages: list[dict[str, Any]]
    stream: bool
    max_tokens: int | None
    provider: ProviderPreferences
    reasoning: Reasoning | None
    user: str
    session_id: str
    is_text_completion: bool  # sent with `prompt`, answered with `choices[].text`

    def caches_for_an_hour(self) -> bool:
        """Whether any part of the prompt is to be cached for an hour, which costs more than for five minutes."""
        marked: list[Any] = [self.body, *(self.body.get("tools") or ())]
        for message in self.messages:
            marked.append(message)
            if isinstance(content := message.get("content"), list):
                marked += content
        marked += [tool["function"] for tool in self.body.get("tools") or () if isinstance(tool.get("function"), dict)]
        controls = [part.get("cache_control") for part in marked]
        return any(isinstance(control, dict) and control.get("ttl") == "1h" for control in controls)


_decoder = msgspec.json.Decoder()


def parse(body: bytes | dict[str, Any]) -> ChatRequest:
    """The request in a JSON body: bytes, whatever their Content-Type, or a decoded object.

    Raises InvalidRequest, which names the place and the reason of the first fault.
    """
    if isinstance(body, bytes):
        try:
            raw = _decoder.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise InvalidRequest(f"The body is not valid JSON: {error}") from error
    else:
        raw = body
    if not isinstance(raw, dict):
        raise InvalidRequest('The body must be a JSON object, for example {"model": ..., "messages": [...]}.')
    try:
        checked = msgspec.convert(raw, _Body)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InvalidRequest(f"Invalid request parameters: {error}") from error
    if isinstance(checked.stop, list) and len(checked.stop) > 4:
        raise InvalidRequest("Invalid request parameters: at most 4 stop sequences - at `$.stop`")
    if checked.messages is None and checked.prompt is None:
        raise InvalidRequest("Either `messages` or `prompt` is required.")
    if checked.messages is not None and not checked.messages:
        raise InvalidRequest("`messages` must contain at least one message.")
    return ChatRequest(
        body=raw,
        model=checked.model or None,
        models=tuple(checked.models or ()),
        messages=raw["messages"] if checked.messages else [{"role": "user", "content": checked.prompt}],
        stream=bool(checked.stream),
        max_tokens=checked.max_completion_tokens or checked.max_tokens,
        provider=checked.provider or ProviderPreferences(),
        reasoning=_reasoning(checked),
        user=checked.user or checked.safety_identifier or "",
        session_id=checked.session_id or "",
        is_text_completion=checked.messages is None,
    )


def _reasoning(checked: _Body) -> Reasoning | None:
    """The three spellings as one object. InvalidRequest if they contradict each other."""
    reasoning = checked.reasoning
    if reasoning and reasoning.effort and reasoning.max_tokens:
        raise InvalidRequest("`reasoning` accepts either `effort` or `max_tokens`, not both.")
    if checked.reasoning_effort:
        if reasoning and reasoning.effort and reasoning.effort != checked.reasoning_effort:
            raise InvalidRequest("`reasoning_effort` contradicts `reasoning.effort`.")
        if reasoning is None:
            reasoning = Reasoning(effort=checked.reasoning_effort)
    if reasoning is None and checked.include_reasoning is not None:
        reasoning = Reasoning() if checked.include_reasoning else Reasoning(exclude=True)
    return reasoning
