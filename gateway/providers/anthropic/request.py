"""Request bodies in Anthropic's Messages protocol."""

from collections.abc import Mapping

import msgspec

from gateway.protocols.chat_completions.server_tools import choice_among
from gateway.providers.fetching import FetchedFile
from gateway.providers.message_parts import Body, Message, cache_ttl_of
from gateway.providers.request_context import ProviderRequest
from gateway.providers.tool_schemas import as_object
from gateway.tokens.compression import ANTHROPIC_MAX_MESSAGES

from .generations import Generation, generation_of
from .messages import CACHE_CONTROL, system_blocks, turns
from .schema import to_supported_schema

__all__ = ["request_body"]

#: The protocol requires `max_tokens`; sent when neither the request nor the catalog knows a limit.
DEFAULT_MAX_TOKENS = 4096

#: The most `cache_control` marks of a request.
MAX_CACHE_MARKS = 4

#: The provider's limits for `thinking.budget_tokens`.
MIN_REASONING_BUDGET, MAX_REASONING_BUDGET = 1024, 128_000


def request_body(request: ProviderRequest, fetched: Mapping[str, FetchedFile]) -> Body:
    """The JSON body for this provider, without parameters that the client did not send or the model refuses."""
    generation = generation_of(request.model)
    max_tokens = request.token_limit or request.endpoint.max_completion_tokens or DEFAULT_MAX_TOKENS
    messages = request.messages(ANTHROPIC_MAX_MESSAGES)
    system, conversation = system_blocks(messages, fetched), turns(messages, fetched)
    if not conversation:  # the protocol requires a user turn
        system, conversation = [], [{"role": "user", "content": system}]
    schema = _enforced_schema(request)
    if not schema and (instruction := _json_instruction(request)):
        system.append({"type": "text", "text": instruction})
    body: Body = {"model": request.model, "max_tokens": max_tokens, "messages": conversation}
    if system:
        body["system"] = system
    if request.endpoint.service_tier == "priority":
        body["speed"] = "fast"
    if request.chat.stream:
        body["stream"] = True
    if stops := [stop for stop in request.stop_sequences if stop.strip()]:  # blank ones are refused
        body["stop_sequences"] = stops
    if ttl := cache_ttl_of(request.body):
        body["cache_control"] = CACHE_CONTROL[ttl]
    if end_user := request.end_user_id:
        body["metadata"] = {"user_id": end_user}
    body |= _tools(request)
    if request.endpoint.prices.input_cache_write_1h is None:
        _shorten_cache_ttls(body)
    _limit_cache_marks(body)
    body |= _thinking(request, generation, body)
    if body.get("thinking", {}).get("type", "disabled") == "disabled":
        body |= _sampling(request, generation)
    if output_config := _output_config(request, generation, schema, body.get("output_config", {})):
        body["output_config"] = output_config
    return body


def _marked(body: Body) -> list[list[Body]]:
    """The objects that may have a cache mark, in the order of the prompt: tools, system blocks, blocks of turns."""
    return [
        list(body.get("tools", ())),
        list(body.get("system", ())),
        [block for turn in body["messages"] for block in turn["content"]],
    ]


def _shorten_cache_ttls(body: Body) -> None:
    """Cache for five minutes where the request asks for an hour, since the price of an hour is unknown."""
    for block in (body, *(block for blocks in _marked(body) for block in blocks)):
        if "cache_control" in block:
            block["cache_control"] = CACHE_CONTROL["5m"]


def _limit_cache_marks(body: Body) -> None:
    """Keep the marks that matter most, since the provider refuses a request with more than MAX_CACHE_MARKS.

    A mark covers the prompt up to its place. The last one of the turns covers most, then the last one of the system and
    of the tools, which change least; what remains goes to the latest.
    """
    sections = [[block for block in blocks if "cache_control" in block] for blocks in reversed(_marked(body))]
    last_ones = [blocks.pop() for blocks in sections if blocks]
    by_worth = last_ones + [block for blocks in sections for block in reversed(blocks)]
    for block in by_worth[MAX_CACHE_MARKS - ("cache_control" in body) :]:
        del block["cache_control"]


# --- Tools --------------------------------------------------------------------------------------------


def _tools(request: ProviderRequest) -> Body:
    tools = request.function_tools
    if not tools:
        return {}
    strict_allowed = request.supports("structured_outputs")
    body: Body = {"tools": [_tool(tool, strict_allowed) for tool in tools]}
    requested = choice_among(request.body)
    if isinstance(requested, Mapping):
        choice: Body = {"type": "tool", "name": (requested.get("function") or {}).get("name")}
    else:
        choice = {"type": {"none": "none", "required": "any"}.get(str(requested), "auto")}
    if request.body.get("parallel_tool_calls") is False and choice["type"] != "none":
        choice["disable_parallel_tool_use"] = True
    if choice != {"type": "auto"}:
        body["tool_choice"] = choice
    return body


def _tool(tool: Message, strict_allowed: bool) -> Body:
    function = tool["function"]
    schema = as_object(function.get("parameters") or {})
    declared: Body = {"name": function.get("name"), "input_schema": schema}
    if function.get("description"):
        declared["description"] = function["description"]
    if function.get("strict") is True and strict_allowed:
        declared |= {"strict": True, "input_schema": to_supported_schema(schema)}
    if ttl := cache_ttl_of(tool) or cache_ttl_of(function):
        declared["cache_control"] = CACHE_CONTROL[ttl]
    return declared


# --- Reasoning and sampling ---------------------------------------------------------------------------


def _thinking(request: ProviderRequest, generation: Generation, body: Body) -> Body:
    """The fields that control reasoning.

    The provider refuses reasoning together with a forced tool call, with a final assistant message, and, with a
    budget, in a chain of tool calls that began without reasoning. In these cases reasoning is left out.
    """
    if not request.supports("reasoning"):
        return {}
    effort = request.reasoning_effort(body["max_tokens"])
    if effort == "none":
        return {"thinking": {"type": "disabled"}}
    last = body["messages"][-1]
    if last["role"] == "assistant" or body.get("tool_choice", {}).get("type") in {"any", "tool"}:
        return {}
    reasoning = request.chat.reasoning
    has_budget = reasoning is not None and reasoning.max_tokens is not None
    if generation.reasoning_efforts and not (has_budget and generation.reasoning_budgets):
        if effort is None and not generation.reasons_by_default:
            return {}
        hidden = reasoning is not None and bool(reasoning.exclude)
        fields: Body = {"thinking": {"type": "adaptive", "display": "omitted" if hidden else "summarized"}}
        if effort is not None:
            fields["output_config"] = {"effort": generation.effort(effort)}
        return fields
    budget = request.reasoning_budget(body["max_tokens"], MIN_REASONING_BUDGET, MAX_REASONING_BUDGET)
    if effort is None or budget < MIN_REASONING_BUDGET or _continues_without_reasoning(body["messages"]):
        return {}
    return {"thinking": {"type": "enabled", "budget_tokens": budget}}


def _continues_without_reasoning(conversation: list[Body]) -> bool:
    """Whether the last turn has the results of tool calls that the model made without reasoning."""
    if len(conversation) < 2 or conversation[-1]["content"][0]["type"] != "tool_result":
        return False
    return conversation[-2]["content"][0]["type"] not in {"thinking", "redacted_thinking"}


def _sampling(request: ProviderRequest, generation: Generation) -> Body:
    fields = request.supported(("temperature", "top_p", "top_k"))
    if "temperature" in fields:
        fields["temperature"] = min(fields["temperature"], 1)  # the protocol's maximum
        if not generation.top_p_with_temperature:
            fields.pop("top_p", None)
    return fields


# --- Output -------------------------------------------------------------------------------------------


def _output_config(request: ProviderRequest, generation: Generation, schema: Body | None, reasoning: Body) -> Body:
    """`output_config`: the fields that `reasoning` sets, an effort for `verbosity`, and the schema of the response."""
    config = dict(reasoning)
    verbosity = request.body.get("verbosity")
    if verbosity and generation.reasoning_efforts:
        # The protocol has one effort for reasoning and text; an effort for reasoning takes precedence.
        config.setdefault("effort", generation.effort(verbosity))
    if schema:
        config["format"] = {"type": "json_schema", "schema": schema}
    return config


def _enforced_schema(request: ProviderRequest) -> Body | None:
    """The schema that the provider makes the response follow."""
    schema = request.response_schema
    if not isinstance(schema, Mapping) or not request.supports("structured_outputs"):
        return None
    return to_supported_schema(schema)


def _json_instruction(request: ProviderRequest) -> str:
    """An instruction for what the protocol has no field for: JSON without a schema, or a schema it cannot enforce."""
    if not request.requires_json or not request.supports("response_format"):
        return ""
    instruction = "Answer with one JSON object and nothing else: no other text, no code fence."
    schema = request.response_schema
    return f"{instruction} It keeps this JSON Schema: {msgspec.json.encode(schema).decode()}" if schema else instruction
