"""Request bodies in OpenAI's chat protocol, written in the dialect of the provider."""

from collections.abc import Mapping
from typing import Any

from gateway.protocols.chat_completions.body import Reasoning
from gateway.protocols.chat_completions.parameters import NOT_SENT, OPTIONAL
from gateway.protocols.chat_completions.server_tools import callable_tools, choice_among
from gateway.providers.request_context import ProviderRequest
from gateway.providers.tool_schemas import as_object
from models_catalog.reference.parameters import supports

from .dialects import DIALECTS, TOLERANT, Dialect
from .messages import Message, messages_in, without_cache_control

__all__ = ["request_body"]

#: Fields about tools: without a tool, providers refuse them.
_TOOL_FIELDS = frozenset({"tools", "tool_choice", "parallel_tool_calls"})

#: Keywords that OpenAI and others refuse at the root of a tool's parameters.
_NOT_AT_ROOT = frozenset({"$ref", "allOf", "anyOf", "oneOf"})

#: `verbosity` values of a request that this protocol does not have.
_VERBOSITIES = {"max": "high", "xhigh": "high"}


def request_body(request: ProviderRequest, dialects: Mapping[str, Dialect] = DIALECTS) -> dict[str, Any]:
    """The JSON body for this provider. Parameters that the client did not send stay absent."""
    chat, endpoint = request.chat, request.attempt.endpoint
    dialect = dialects.get(endpoint.provider, TOLERANT)
    refused, listed = dialect.refused_fields, endpoint.supported_parameters
    body = {
        name: value
        for name, value in chat.body.items()
        if name not in NOT_SENT
        and value is not None
        and name not in refused
        and (name not in OPTIONAL or supports(listed, name))
    }
    body["model"] = request.model
    body["messages"] = messages_in(dialect, request.messages())
    if _TOOL_FIELDS & body.keys():
        _write_tools(body, chat.body, dialect)
    if (stop := body.pop("stop", None)) and (stops := request.stop_sequences[: dialect.max_stop_sequences]):
        body["stop"] = stop if isinstance(stop, str) else stops
    if chat.stream:
        body["stream"] = True
        body["stream_options"] = {"include_usage": True}
    if endpoint.service_tier:
        body["service_tier"] = endpoint.service_tier
    if chat.choices > 1:
        body["n"] = chat.choices
    if limit := request.token_limit:
        body[dialect.output_limit_field] = limit
    if chat.reasoning is not None and request.supports("reasoning"):
        body |= _reasoning(request, chat.reasoning, dialect)
    if body.get("verbosity") in _VERBOSITIES:
        body["verbosity"] = _VERBOSITIES[body["verbosity"]]
    if end_user := request.end_user_id:
        body["user"] = end_user
    if dialect.prompt_cache_key and (key := request.prompt_cache_key):
        body["prompt_cache_key"] = key
    for name, theirs in dialect.field_names.items():
        if name in body:
            body[theirs] = body.pop(name)
    if (accepted := dialect.accepted_fields) is not None:
        body = {name: value for name, value in body.items() if name in accepted}
    return body


def _write_tools(body: dict[str, Any], given: dict[str, Any], dialect: Dialect) -> None:
    """Write the tools that the model may call, and the choice among them, into `body`; nothing without a tool."""
    if body.get("tools") and (tools := callable_tools(given)):
        body["tools"] = [_tool(tool, dialect) for tool in tools]
        if body.pop("tool_choice", None) is not None and (choice := choice_among(given)) is not None:
            body["tool_choice"] = choice
        return
    for name in _TOOL_FIELDS & body.keys():
        del body[name]


def _tool(tool: Message, dialect: Dialect) -> Message:
    """The tool with parameters that are one object."""
    function: Any = tool.get("function")
    parameters = function.get("parameters") if isinstance(function, dict) else None
    if isinstance(parameters, dict) and _NOT_AT_ROOT & parameters.keys():
        tool = tool | {"function": function | {"parameters": as_object(parameters)}}
    return tool if dialect.cache_control else without_cache_control(tool)


def _reasoning(request: ProviderRequest, reasoning: Reasoning, dialect: Dialect) -> dict[str, Any]:
    """The fields that turn reasoning on or off; none when the model decides."""
    effort = request.reasoning_effort(request.max_output_tokens)
    if effort is None:
        return {}
    if reasoning.enabled is False:
        return dict(dialect.reasoning_off)
    if effort == "minimal" and reasoning.max_tokens:
        effort = "low"  # a small budget does not ask for "minimal", which some models do not have
    switch = dialect.reasoning_off if effort == "none" else dialect.reasoning_on
    return {"reasoning_effort": dialect.efforts.get(effort, effort), **switch}
