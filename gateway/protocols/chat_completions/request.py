"""An inference request: parsed and checked once, and kept as it came for the provider that serves it."""

from typing import Any, ClassVar

import msgspec

from common.errors import InvalidRequest
from gateway.protocols.json_text import read_object
from presets.merging import PresetInUse

from .body import Body, ProviderPreferences, Reasoning
from .functions import with_tools
from .server_tools import check_tools

__all__ = ["ChatRequest", "parse"]

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
        checked = msgspec.convert(raw, Body)
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


def _has_functions(checked: Body) -> bool:
    return any(one.function_call or one.role == "function" for one in checked.messages or ())


def _heals_json(checked: Body) -> bool:
    """Whether the plugin is on, in a request for JSON that does not stream."""
    if checked.stream or checked.response_format is None or not checked.response_format.type.startswith("json"):
        return False
    return any(one.id == "response-healing" and one.enabled is not False for one in checked.plugins or ())


def _check(checked: Body, max_stops: int | None) -> None:
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


def _reasoning(checked: Body) -> Reasoning | None:
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
