"""The provider dialects of OpenAI's chat protocol: one entry for each provider that needs one. Data only.

A provider without an entry gets the defaults of `Dialect`, which suit the many that ignore unknown fields.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from gateway.providers.media_types import IMAGE_TYPES

__all__ = ["DIALECTS", "TOLERANT", "Dialect"]

#: Request fields that only OpenAI's own API knows.
_OPENAI_ONLY = frozenset({"prompt_cache_options", "prompt_cache_retention"})


@dataclass(frozen=True, kw_only=True, eq=False)
class Dialect:
    """One provider's version of the protocol. The defaults change nothing that a tolerant provider accepts."""

    # --- The request ---

    #: The only request fields that the provider accepts; all others are dropped. None: it ignores unknown fields.
    accepted_fields: frozenset[str] | None = None
    #: Request fields that the provider refuses, for providers that accept any other.
    refused_fields: frozenset[str] = _OPENAI_ONLY
    #: Other names for request fields.
    field_names: Mapping[str, str] = field(default_factory=dict)
    #: The request field that limits the output tokens.
    output_limit_field: str = "max_tokens"
    #: Replacements for efforts that the provider does not have, as values of `reasoning_effort`.
    efforts: Mapping[str, str] = field(default_factory=lambda: {"max": "high", "xhigh": "high"})
    #: Request fields that turn reasoning on and off, beside the effort.
    reasoning_on: Mapping[str, Any] = field(default_factory=dict)
    reasoning_off: Mapping[str, Any] = field(default_factory=dict)
    #: The provider takes `prompt_cache_key`. It gets a pseudonym of the client's key.
    prompt_cache_key: bool = False
    #: Reasoning is part of the response. False: a stream is silent until the reasoning is over, which takes minutes.
    #: OpenAI also refuses streams of its reasoning models to organizations that it has not verified.
    shows_reasoning: bool = True

    #: The most stop sequences that the provider takes. Those beyond are dropped.
    max_stop_sequences: int = 4

    # --- Messages and tools ---

    #: Replacements for roles that the provider does not know.
    roles: Mapping[str, str] = field(default_factory=lambda: {"developer": "system"})
    #: The only message fields that the provider accepts; all others, and empty ones, are dropped. None: any fields.
    message_fields: frozenset[str] | None = None
    #: The provider accepts `name` in messages. False: the speaker's name is put before the message's first text.
    speaker_names: bool = True
    #: Roles whose content must be a string. Text parts are joined with line breaks; content with other parts is kept,
    #: and so is a part with a `cache_control` that the provider accepts.
    text_only_roles: frozenset[str] = frozenset({"system", "developer", "assistant", "tool"})
    #: The message field in which the provider takes back earlier reasoning. Empty: the client's fields are kept.
    reasoning_field: str = ""
    #: The provider takes back the signatures of Gemini's tool calls, in the field of a call in which it sends them.
    call_signatures: bool = False
    #: The types of images in data URLs that the provider accepts. An image of another type is left to other providers.
    image_types: frozenset[str] = IMAGE_TYPES
    #: The provider accepts or ignores `cache_control` in messages, content parts and tools. False: it is removed.
    cache_control: bool = True


#: The dialect of providers without an entry.
TOLERANT = Dialect()

#: OpenAI's own fields of a message: strict providers refuse others, such as the reasoning of an earlier response.
_MESSAGE_FIELDS = frozenset({"role", "content", "name", "tool_calls", "tool_call_id", "refusal"})

#: Request fields that every provider with `accepted_fields` accepts.
_COMMON_FIELDS = frozenset(
    {
        "frequency_penalty", "max_tokens", "messages", "model", "parallel_tool_calls", "presence_penalty",
        "reasoning_effort", "response_format", "stop", "stream", "temperature", "tool_choice", "tools", "top_p",
    }
)  # fmt: skip

_OPENAI = Dialect(
    refused_fields=frozenset(),
    output_limit_field="max_completion_tokens",  # newer models refuse `max_tokens`
    prompt_cache_key=True,
    shows_reasoning=False,
    roles={},
    message_fields=_MESSAGE_FIELDS,
    text_only_roles=frozenset(),
    cache_control=False,
)

#: A request field that turns reasoning on and off at several providers.
_THINKING: Mapping[str, Any] = {
    "reasoning_on": {"thinking": {"type": "enabled"}},
    "reasoning_off": {"thinking": {"type": "disabled"}},
}

#: Servers that take earlier reasoning back in the field in which they send it. Some refuse a chain of tool calls
#: without it (https://api-docs.deepseek.com/guides/thinking_mode).
_REASONING_CONTENT = Dialect(reasoning_field="reasoning_content")
_REASONING = Dialect(reasoning_field="reasoning")

#: All roles: these providers take no content in parts.
_TEXT_ONLY = frozenset({"system", "developer", "user", "assistant", "tool"})

#: By the provider's slug in the catalog.
DIALECTS: Mapping[str, Dialect] = {
    "alibaba": replace(
        _REASONING_CONTENT, reasoning_on={"enable_thinking": True}, reasoning_off={"enable_thinking": False}
    ),
    "azure": _OPENAI,
    "baseten": _REASONING_CONTENT,
    "cerebras": _REASONING,
    "deepinfra": _REASONING_CONTENT,
    "deepseek": replace(_REASONING_CONTENT, **_THINKING, text_only_roles=_TEXT_ONLY, cache_control=False),
    "fireworks": _REASONING_CONTENT,
    "google-ai-studio": Dialect(call_signatures=True),
    "google-vertex": Dialect(call_signatures=True),
    "groq": Dialect(
        accepted_fields=_COMMON_FIELDS
        | {
            "citation_options", "compound_custom", "disable_tool_validation", "documents", "include_reasoning",
            "reasoning_format", "search_settings", "seed", "stream_options", "user",
        },
        message_fields=_MESSAGE_FIELDS | {"reasoning"},
        speaker_names=False,
        reasoning_field="reasoning",
        cache_control=False,
    ),
    "mistral": Dialect(
        accepted_fields=_COMMON_FIELDS | {"n", "prediction", "prompt_mode", "random_seed", "safe_prompt"},
        field_names={"seed": "random_seed"},
        efforts=dict.fromkeys(("max", "xhigh", "high", "medium", "low", "minimal"), "high"),  # its only one
        message_fields=_MESSAGE_FIELDS,
        speaker_names=False,
        cache_control=False,
    ),
    "moonshotai": replace(_REASONING_CONTENT, **_THINKING),
    "nebius": _REASONING_CONTENT,
    "novita": _REASONING_CONTENT,
    "openai": _OPENAI,
    "seed": _REASONING_CONTENT,
    "together": _REASONING,
    "xai": replace(_REASONING_CONTENT, shows_reasoning=False, image_types=frozenset({"image/jpeg", "image/png"})),
    "xiaomi": _REASONING_CONTENT,
    "z-ai": replace(_REASONING_CONTENT, **_THINKING),
}  # fmt: skip
