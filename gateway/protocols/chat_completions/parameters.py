"""The fields of a chat completion request: one table says what happens to each."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["FIELDS", "NOT_SENT", "OPTIONAL", "Field", "Use"]


class Use(Enum):
    """The fate of a field. A field without an entry is a provider's own and is sent as it is."""

    #: The gateway acts on it. It reaches a provider in another form or not at all.
    GATEWAY = "gateway"
    #: It is sent to endpoints that list it in `supported_parameters`. The others do without it.
    OPTIONAL = "optional"
    #: It is sent to every provider whose protocol has it.
    SENT = "sent"
    #: It is accepted and has no effect.
    IGNORED = "ignored"
    #: A value that asks for something is refused with 400.
    REFUSED = "refused"


class Field(NamedTuple):
    """The fate of one field, and the details of it."""

    use: Use
    how: str


def _gateway(how: str) -> Field:
    return Field(Use.GATEWAY, how)


def _optional(how: str) -> Field:
    return Field(Use.OPTIONAL, how)


def _sent(how: str) -> Field:
    return Field(Use.SENT, how)


def _ignored(why: str) -> Field:
    return Field(Use.IGNORED, why)


def _refused(why: str) -> Field:
    return Field(Use.REFUSED, why)


FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        # --- Routing
        "model": _gateway("chooses the endpoints; sent under the provider's name of the model"),
        "models": _gateway("tried after `model`"),
        "route": _gateway("the older spelling of `provider.sort.partition`"),
        "provider": _gateway("filters and orders the endpoints"),
        "service_tier": _gateway("chooses endpoints of a tier, priced as such"),
        "session_id": _gateway("keeps a conversation at one endpoint, and groups requests"),
        "preset": _gateway("the preset whose fields complete the request"),
        # --- The conversation
        "messages": _gateway("in the dialect of the provider"),
        "prompt": _gateway("becomes a message; one text, as a string or as a list of one"),
        "functions": _gateway("become `tools`; the response has `function_call`"),
        "function_call": _gateway("becomes `tool_choice`"),
        "tools": _optional("preferred: endpoints with tools are used if there are any; the web search runs here"),
        "tool_choice": _optional("with `tools` only; of `allowed_tools`, only those are sent"),
        "parallel_tool_calls": _optional("with `tools` only"),
        "plugins": _gateway("web search, context compression, response healing"),
        "transforms": _gateway("`middle-out`: context compression"),
        "web_search_options": _optional("the search of models that search by themselves"),
        "cache_control": _gateway("a mark for the whole prompt, where the protocol has one"),
        "prompt_cache_key": _gateway("a pseudonym of it is sent to providers that take one"),
        "prompt_cache_options": _sent("to OpenAI, whose field it is"),
        "prompt_cache_retention": _sent("to OpenAI, whose field it is"),
        # --- The response
        "n": _gateway("only endpoints that return several choices; each is held and billed"),
        "max_tokens": _gateway("bounds the hold; sent under the provider's name for it"),
        "max_completion_tokens": _gateway("the newer name of `max_tokens`; it counts if both are sent"),
        "stream": _gateway("server-sent events"),
        "stream_options": _gateway("usage is always part of a stream"),
        "usage": _gateway("usage is always part of a response"),
        "response_format": _optional("preferred: JSON and schemas"),
        "structured_outputs": _gateway("an older flag: prefers endpoints that enforce schemas"),
        "modalities": _sent("only to models with these kinds of output; sound is refused, as it has no price here"),
        "image_config": _sent("for models whose output has images"),
        "audio": _ignored("the voice of a response with sound, which is refused"),
        "verbosity": _optional("preferred; Anthropic's effort where it has one"),
        "prediction": _optional("rejected tokens of it are billed as those of the response"),
        "logprobs": _optional("preferred; a number in text completions"),
        "top_logprobs": _optional("with `logprobs` only"),
        "stop": _optional("up to 4"),
        # --- Reasoning
        "reasoning": _gateway("sent in the form of the provider"),
        "reasoning_effort": _gateway("the short spelling of `reasoning.effort`"),
        "include_reasoning": _gateway("the older spelling of `reasoning.exclude`"),
        # --- Sampling
        "temperature": _optional("0 to 2"),
        "top_p": _optional("above 0, to 1"),
        "top_k": _optional("0 or more"),
        "min_p": _optional("0 to 1"),
        "top_a": _optional("0 to 1"),
        "frequency_penalty": _optional("-2 to 2"),
        "presence_penalty": _optional("-2 to 2"),
        "repetition_penalty": _optional("above 0, to 2"),
        "seed": _optional("an integer"),
        "logit_bias": _optional("-100 to 100 for each token"),
        # --- Identity and observation
        "user": _gateway("a pseudonym of it is sent"),
        "safety_identifier": _gateway("the newer name of `user`"),
        "metadata": _ignored("checked; providers do not get it"),
        "trace": _ignored("traces are not sent anywhere"),
        "debug": _ignored("bodies of providers' requests are not shown"),
        "store": _ignored("neither the gateway nor a provider stores responses for retrieval"),
        "max_tool_calls": _ignored("bounds tools that run on the server, and there are none"),
        "stop_server_tools_when": _ignored("ends tools that run on the server, and there are none"),
        # --- Text completions of the older kind
        "best_of": _refused("more completions than `n` would be generated and billed unseen"),
        "echo": _refused("models for chat do not repeat their prompt"),
        "suffix": _refused("models for chat do not fill in the middle of a text"),
    }
)

#: Fields of a request that are not copied into a provider's.
NOT_SENT = frozenset(name for name, field in FIELDS.items() if field.use not in {Use.OPTIONAL, Use.SENT})
#: Fields that an endpoint has to list.
OPTIONAL = frozenset(name for name, field in FIELDS.items() if field.use is Use.OPTIONAL)
