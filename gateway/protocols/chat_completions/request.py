"""An inference request: parsed and checked once, and kept as it came for the provider that serves it."""

from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta

from common.errors import InvalidRequest
from gateway.protocols.json_text import read_object
from gateway.protocols.reasoning import Detail
from presets.merging import PresetInUse

from .functions import with_tools
from .server_tools import check_tools
from .shapes import ChosenFunction, Function, JsonSchema, Tool, ToolChoice

__all__ = ["CHAT_FIELDS", "ChatRequest", "ProviderPreferences", "parse"]

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


class _Body(msgspec.Struct):
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
CHAT_FIELDS = frozenset(_Body.__struct_fields__)
_NONE: frozenset[str] = frozenset()


class ChatRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A checked request. `body` is what the client sent; the gateway acts on the other fields.

    Requests of other tasks extend it: their `messages` hold the texts that they send to a model.
    """

    #: The kind of model that serves the request: `ModelEntry.task`.
    task: ClassVar[str] = "chat"

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
    max_tokens_is_cap: bool = False  # endpoints with a lower limit serve it too: the protocol requires `max_tokens`
    for_reply: Any = None  # for the reply in another protocol: the parts of its request that it needs
    choices: int = 1  # how many responses to the same prompt (`n`)
    output_modalities: frozenset[str] = _NONE  # the kinds of output that the model must have
    uses_functions: bool = False  # sent with `functions`, answered with `function_call`
    service_tier: str = ""  # "priority" or "flex"; empty: the standard one
    heals_json: bool = False  # JSON with faults in a whole response is mended
    preset: PresetInUse | None = None  # the one whose fields and system prompt are part of the request

    @property
    def has_texts_only(self) -> bool:
        """Whether no message has content parts."""
        return not any(isinstance(message.get("content"), list) for message in self.messages)

    def place(self, part: int) -> str:
        """The JSON path of a part that is read on its own; empty if the prompt is one whole."""
        return ""

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


#: OpenAI's limit. Other protocols of callers have none.
MAX_STOP_SEQUENCES = 4


def parse(body: bytes | dict[str, Any], *, max_stops: int | None = MAX_STOP_SEQUENCES) -> ChatRequest:
    """The request in a JSON body: bytes, whatever their Content-Type, or a decoded object.

    `max_stops` bounds the number of stop sequences. Raises InvalidRequest, which names the place and the reason of the
    first fault.
    """
    raw = read_object(body, '{"model": ..., "messages": [...]}')
    try:
        checked = msgspec.convert(raw, _Body)
    except (msgspec.ValidationError, RecursionError) as error:
        raise InvalidRequest(f"Invalid request parameters: {error}") from error
    _check(checked, max_stops)
    text = _prompt_text(checked.prompt) if checked.messages is None else ""
    uses_functions = bool(checked.functions)
    # Few bodies have the word: most need no look at their messages.
    if uses_functions or ((not isinstance(body, bytes) or b"function" in body) and _has_functions(checked)):
        raw = with_tools(raw)
    if checked.logprobs is not None and not isinstance(checked.logprobs, bool):  # as text completions count them
        raw = raw | {"logprobs": True, "top_logprobs": checked.logprobs}
    return ChatRequest(
        body=raw,
        model=checked.model or None,
        models=tuple(checked.models or ()),
        messages=raw["messages"] if checked.messages else [{"role": "user", "content": text}],
        stream=bool(checked.stream),
        max_tokens=checked.max_completion_tokens or checked.max_tokens,
        provider=checked.provider or ProviderPreferences(),
        reasoning=_reasoning(checked),
        user=checked.user or checked.safety_identifier or "",
        session_id=checked.session_id or "",
        is_text_completion=checked.messages is None,
        choices=checked.n or 1,
        output_modalities=frozenset(checked.modalities) if checked.modalities else _NONE,
        uses_functions=uses_functions,
        service_tier=_TIERS.get(checked.service_tier, "") if checked.service_tier else "",
        heals_json=bool(checked.plugins) and _heals_json(checked),
    )


#: Values of `service_tier` that ask for a tier; the others leave the choice to the gateway.
_TIERS = {"priority": "priority", "fast": "priority", "flex": "flex"}


def _has_functions(checked: _Body) -> bool:
    return any(one.function_call or one.role == "function" for one in checked.messages or ())


def _heals_json(checked: _Body) -> bool:
    """Whether the plugin is on, in a request for JSON that does not stream."""
    if checked.stream or checked.response_format is None or not checked.response_format.type.startswith("json"):
        return False
    return any(one.id == "response-healing" and one.enabled is not False for one in checked.plugins or ())


def _check(checked: _Body, max_stops: int | None) -> None:
    """Raise InvalidRequest for what the types of the fields do not tell."""
    if max_stops is not None and isinstance(checked.stop, list) and len(checked.stop) > max_stops:
        raise InvalidRequest(f"Invalid request parameters: at most {max_stops} stop sequences - at `$.stop`")
    if checked.messages is None and checked.prompt is None:
        raise InvalidRequest("Either `messages` or `prompt` is required.")
    if checked.messages is not None and not checked.messages:
        raise InvalidRequest("`messages` must contain at least one message.")
    if checked.tools:
        check_tools(checked.tools)
    if checked.echo or checked.suffix:
        name = "echo" if checked.echo else "suffix"
        raise InvalidRequest(f"`{name}` is not supported: models for chat answer a prompt - at `$.{name}`")
    if checked.modalities and "audio" in checked.modalities:
        raise InvalidRequest('"audio" is not supported: sound in responses has no price here - at `$.modalities`')
    if checked.best_of is not None and checked.best_of > (checked.n or 1):
        raise InvalidRequest("`best_of` above `n` is not supported. Ask for `n` completions - at `$.best_of`")


def _prompt_text(prompt: str | list[Any] | None) -> str:
    """The text of `prompt`. InvalidRequest for several texts, and for tokens."""
    if not isinstance(prompt, list):
        return prompt or ""
    if len(prompt) == 1 and isinstance(prompt[0], str):
        return prompt[0]
    if prompt and all(isinstance(text, str) for text in prompt):
        raise InvalidRequest("`prompt` has several texts. Send one request for each - at `$.prompt`")
    raise InvalidRequest(
        "`prompt` has no text. Token IDs mean different words to each model: send the text itself - at `$.prompt`"
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
