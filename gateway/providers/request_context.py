"""The context in which a provider's request body is written, whatever its protocol. Pure."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from gateway.callers import Caller
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.protocols.chat_completions.server_tools import callable_tools
from gateway.routing.plan import Attempt
from gateway.tokens import compression
from models_catalog.catalog import EndpointEntry
from models_catalog.reference.parameters import supports

__all__ = ["ProviderRequest"]

#: The share of the output tokens that each effort may spend on reasoning, in percent.
EFFORT_SHARES = {"xhigh": 95, "max": 95, "high": 80, "medium": 50, "low": 20, "minimal": 10}


class ProviderRequest(msgspec.Struct, frozen=True):
    """A caller's request on its way to one endpoint.

    `max_tokens` is the number of output tokens that the caller's credits and parameters allow; None leaves the limit
    to the provider. `idle_seconds` is how long nothing may arrive; None for PROVIDER_IDLE_SECONDS.
    """

    chat: ChatRequest
    attempt: Attempt
    caller: Caller
    max_tokens: int | None
    idle_seconds: float | None = None

    @property
    def body(self) -> dict[str, Any]:
        """The parameters as the client sent them."""
        return self.chat.body

    @property
    def endpoint(self) -> EndpointEntry:
        return self.attempt.endpoint

    @property
    def model(self) -> str:
        """The model's name at the provider."""
        return self.attempt.endpoint.provider_model_id or self.attempt.model.id

    # --- Parameters -----------------------------------------------------------------------------------

    def supports(self, parameter: str) -> bool:
        """Whether the endpoint takes the parameter. A model that was asked to think does, whatever is listed."""
        if parameter == "reasoning" and self.attempt.model.variant == "thinking":
            return True
        return supports(self.attempt.endpoint.supported_parameters, parameter)

    def supported(self, parameters: Iterable[str]) -> dict[str, Any]:
        """The values of those of these parameters that the client sent and the endpoint takes."""
        body, listed = self.chat.body, self.attempt.endpoint.supported_parameters
        return {name: body[name] for name in parameters if body.get(name) is not None and supports(listed, name)}

    @property
    def token_limit(self) -> int | None:
        """`max_tokens`, or the endpoint's limit where that is lower; None leaves it to the provider."""
        if self.max_tokens is None:
            return None
        return min(self.max_tokens, self.attempt.endpoint.max_completion_tokens or self.max_tokens)

    @property
    def max_output_tokens(self) -> int:
        """The largest number of tokens that the response can have."""
        endpoint = self.attempt.endpoint
        return self.token_limit or endpoint.max_completion_tokens or endpoint.context_length

    @property
    def stop_sequences(self) -> list[str]:
        """Those that are not empty, which providers refuse."""
        stop = self.chat.body.get("stop") or []
        return [stop] if isinstance(stop, str) else [one for one in stop if one]

    @property
    def function_tools(self) -> list[Mapping[str, Any]]:
        """The tools that are functions; none when the endpoint takes no tools."""
        tools: list[Mapping[str, Any]] = [
            tool for tool in callable_tools(self.chat.body) if isinstance(tool.get("function"), Mapping)
        ]
        return tools if tools and self.supports("tools") else []

    @property
    def requires_json(self) -> bool:
        """Whether `response_format` asks for JSON, with a schema or without."""
        return (self.chat.body.get("response_format") or {}).get("type") in {"json_object", "json_schema"}

    @property
    def response_schema(self) -> Any:
        """The JSON Schema in `response_format`, unchecked; None when there is none."""
        return ((self.chat.body.get("response_format") or {}).get("json_schema") or {}).get("schema")

    # --- Messages -------------------------------------------------------------------------------------

    def messages(self, max_messages: int = 0) -> list[dict[str, Any]]:
        """The messages, compressed when the request or the endpoint's short context asks for it.

        `max_messages`, when not zero, bounds how many messages a compressed conversation may have.
        """
        chat, endpoint = self.chat, self.attempt.endpoint
        context = endpoint.context_length
        if not compression.is_enabled(compression.preference(chat.body), context):
            return chat.messages
        room = context - min(self.max_tokens or endpoint.max_completion_tokens or 0, context // 2)
        return compression.compress(chat.messages, room, max_messages)

    # --- Identity -------------------------------------------------------------------------------------

    @property
    def end_user_id(self) -> str:
        """A stable pseudonym for the end user, or empty. Providers use it to detect abuse; the name stays here."""
        return self._pseudonym(self.chat.user)

    @property
    def prompt_cache_key(self) -> str:
        """A pseudonym for the client's `prompt_cache_key`, or empty. Clients put names of users into it."""
        return self._pseudonym(str(self.chat.body.get("prompt_cache_key") or ""))

    def _pseudonym(self, name: str) -> str:
        if not name:
            return ""
        return hashlib.sha256(f"{self.caller.account_id}:{name}".encode("utf-8", "replace")).hexdigest()[:32]

    # --- Reasoning ------------------------------------------------------------------------------------

    def reasoning_effort(self, output_tokens: int) -> str | None:
        """The effort to ask for, "none" to turn reasoning off, None to leave it to the model.

        A token budget becomes the effort whose share of `output_tokens` is nearest to it.
        """
        reasoning = self.chat.reasoning
        if reasoning is None:
            return None
        if reasoning.enabled is False:
            return "none"
        if reasoning.effort:
            return reasoning.effort
        if budget := reasoning.max_tokens:
            return min(EFFORT_SHARES, key=lambda effort: abs(EFFORT_SHARES[effort] * output_tokens - 100 * budget))
        return "medium" if reasoning.enabled or not reasoning.exclude else None

    def reasoning_budget(self, output_tokens: int, minimum: int, maximum: int) -> int:
        """The number of tokens to reason with: the budget in the request, or the effort's share of `output_tokens`.

        A twentieth of `output_tokens` stays reserved for the text, so the result is below `minimum` when
        `output_tokens` is small.
        """
        reasoning = self.chat.reasoning
        if reasoning is not None and reasoning.max_tokens:
            budget = reasoning.max_tokens
        else:
            budget = output_tokens * EFFORT_SHARES.get(self.reasoning_effort(output_tokens) or "medium", 50) // 100
        return min(max(budget, minimum), maximum, output_tokens * EFFORT_SHARES["max"] // 100)
