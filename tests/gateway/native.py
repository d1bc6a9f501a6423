"""Providers with protocols of their own (Anthropic, Google): helpers that their tests share."""

import json
from collections.abc import Callable, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import pytest
from asgiref.sync import sync_to_async

from accounts.models import Organisation, User
from gateway import completions
from gateway.callers import Caller, Policy
from gateway.events import Delta
from gateway.models import Generation
from gateway.protocols.chat_completions.request import parse
from gateway.providers.anthropic.request import request_body as anthropic_body
from gateway.providers.google.request import request_body as google_body
from gateway.providers.request_context import ProviderRequest
from gateway.routing.plan import Attempt
from gateway.routing.upstreams import Upstream
from tests.gateway import factory
from tests.gateway.routing.examples import endpoint, model

#: A red square, two pixels wide.
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAIAAAACCAIAAAD91JpzAAAAEElEQVR4nGP4z8AARAwQCgAf7gP9i18U1AAAAABJRU5ErkJggg=="

#: The start of a PDF file.
PDF = "JVBERi0xLjQKJSBoZWxsbwo="

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Current weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}

#: In USD per token.
PRICES = {
    "prompt": "0.000003",
    "completion": "0.000015",
    "input_cache_read": "0.0000003",
    "input_cache_write": "0.00000375",
    "input_cache_write_1h": "0.000006",
}


@dataclass(frozen=True)
class NativeProvider:
    """A provider, and its terms for what all native protocols have."""

    slug: str
    name: str
    model: str
    provider_model: str
    sandbox_path: str
    key_variable: str
    finish_reasons: Mapping[str, str]  # ours: the provider's
    tool_choices: Mapping[str, Any]  # ours: the provider's; "named" for a function chosen by name
    tool_choice_in: Callable[[dict[str, Any]], Any]  # from the body that the provider receives
    error_in_200: tuple[int, str]  # status and error type for the sandbox's fault `error-200`
    end_marker: bool  # tells an empty response from one that was cut off
    supports_cancel: bool


_BY_NAME = {"type": "function", "function": {"name": "get_weather"}}
TOOL_CHOICES: dict[str, Any] = {"auto": "auto", "none": "none", "required": "required", "named": _BY_NAME}

ANTHROPIC = NativeProvider(
    slug="anthropic",
    name="Anthropic",
    model="anthropic/claude-haiku-4.5",
    provider_model="claude-haiku-4-5",
    sandbox_path="/anthropic-native/v1",
    key_variable="PROVIDER_ANTHROPIC_API_KEY",
    finish_reasons={"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"},
    tool_choices={
        "auto": None,
        "none": {"type": "none"},
        "required": {"type": "any"},
        "named": {"type": "tool", "name": "get_weather"},
    },
    tool_choice_in=lambda body: body.get("tool_choice"),
    error_in_200=(502, "provider_unavailable"),
    end_marker=True,
    supports_cancel=True,
)

GOOGLE = NativeProvider(
    slug="google-ai-studio",
    name="Google-Ai-Studio",
    model="google/gemini-2.5-flash",
    provider_model="gemini-2.5-flash",
    sandbox_path="/google-native/v1beta",
    key_variable="GOOGLE_API_KEY",
    finish_reasons={"stop": "STOP", "length": "MAX_TOKENS", "content_filter": "SAFETY"},
    tool_choices={
        "auto": {"mode": "AUTO"},
        "none": {"mode": "NONE"},
        "required": {"mode": "ANY"},
        "named": {"mode": "ANY", "allowedFunctionNames": ["get_weather"]},
    },
    tool_choice_in=lambda body: body["toolConfig"]["functionCallingConfig"],
    error_in_200=(503, "provider_overloaded"),
    end_marker=False,
    supports_cancel=False,
)


async def connect(provider: NativeProvider, sandbox: str, monkeypatch: pytest.MonkeyPatch, **fields: Any) -> None:
    """Serve the provider's model from the sandbox, which then plays the provider at its real address."""
    prefix = f"PROVIDER_{provider.slug.upper().replace('-', '_')}"
    monkeypatch.setenv(f"{prefix}_BASE_URL", f"{sandbox}{provider.sandbox_path}")
    monkeypatch.setenv(provider.key_variable, f"{provider.slug}-key")
    if provider.supports_cancel:
        fields["supports_cancel"] = True
    await sync_to_async(serve)(provider.model, provider.slug, provider.provider_model, **fields)


def serve(model_id: str, provider: str, provider_model_id: str, **fields: Any) -> None:
    """Create a model that only this provider serves."""
    served = factory.model(model_id, input_modalities=["text", "image", "file", "audio", "video"])
    factory.endpoint(served, provider, PRICES, provider_model_id=provider_model_id, **fields)


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def file(source: str, name: str = "report.pdf") -> dict[str, Any]:
    return {"type": "file", "file": {"filename": name, "file_data": source}}


def usage_of(text: str) -> dict[str, Any]:
    return chunks_of(text)[-1]["usage"]


def chunks_of(text: str) -> list[dict[str, Any]]:
    assert text.endswith("data: [DONE]\n\n")
    return [json.loads(line[6:]) for line in text.split("\n\n") if line.startswith("data: {")]


def message_of(text: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """(The assistant's message in a stream, joined as clients join it; its finish reasons, ours and the provider's)."""
    message: dict[str, Any] = {"role": "assistant", "content": "", "reasoning": "", "reasoning_details": []}
    calls: dict[int, dict[str, Any]] = {}
    finishes = []
    for choice in [choice for chunk in chunks_of(text) for choice in chunk["choices"]]:
        delta = choice["delta"]
        message["content"] += delta.get("content") or ""
        message["reasoning"] += delta.get("reasoning") or ""
        message["reasoning_details"] += delta.get("reasoning_details") or []
        for piece in delta.get("tool_calls") or ():
            call = calls.setdefault(
                piece["index"], {"id": "", "type": "function", "function": {"name": "", "arguments": ""}}
            )
            call["id"] += piece.get("id") or ""
            for name in ("name", "arguments"):
                call["function"][name] += piece["function"].get(name) or ""
        if choice["finish_reason"]:
            finishes.append((choice["finish_reason"], choice["native_finish_reason"]))
    if calls:
        message["tool_calls"] = [call for _, call in sorted(calls.items())]
    return message, finishes


async def cancel_after(deltas: int, api: Any, model: str) -> Generation:
    """The settled request of a caller that stops after so many deltas of a response of 200 tokens, which takes 2 s."""
    organisation = await Organisation.objects.aget(credit_account=api.account_id)
    owner = await User.objects.aget(personal_organisation=organisation)
    headers = {"x-sandbox-session": api.session, "x-sandbox-tokens": "200", "x-sandbox-delay": "0.01"}
    caller = await completions.chat_caller(owner, organisation, sandbox_headers=headers)
    request = completions.parse({"model": model, "messages": [user("Go")], "stream": True})
    seen = 0
    async with aclosing(completions.stream(caller, request)) as events:
        async for event in events:
            seen += isinstance(event, Delta)
            if seen == deltas:
                break
    row: Generation = await api.generation()
    return row


# --- Requests without a network --------------------------------------------------------------------------

ALL_PARAMETERS = frozenset(
    {
        "max_tokens", "temperature", "top_p", "top_k", "stop", "tools", "response_format", "structured_outputs",
        "reasoning", "seed",
    }
)  # fmt: skip
TOOL_CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city":"Paris"}'}}
TOOL_RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "17 degrees"}

CALLER = Caller(account_id=1, key_id=1, user_id=1, source="api", default_model="", policy=Policy())


def attempt(name: str, **fields: Any) -> Attempt:
    """An attempt at an endpoint whose provider has this name for the model. By default it supports all parameters."""
    served = endpoint("a", "1", provider_model_id=name, **{"supported_parameters": ALL_PARAMETERS, **fields})
    return Attempt(model("acme/one", served), served, Upstream("https://provider.example", "key", simulated=False), "")


def for_anthropic(
    *messages: Any,
    name: str = "claude-haiku-4-5",
    max_tokens: Any = None,
    fetched: Any = None,
    fields: Any = None,
    **body: Any,
) -> dict[str, Any]:
    """The body for Anthropic."""
    request = parse({"model": "acme/one", "messages": list(messages) or [user("Hi")], **body})
    return anthropic_body(ProviderRequest(request, attempt(name, **(fields or {})), CALLER, max_tokens), fetched or {})


def for_google(
    *messages: Any,
    name: str = "gemini-2.5-flash",
    max_tokens: Any = None,
    fetched: Any = None,
    fields: Any = None,
    **body: Any,
) -> dict[str, Any]:
    """The body for Google."""
    request = parse({"model": "acme/one", "messages": list(messages) or [user("Hi")], **body})
    return google_body(ProviderRequest(request, attempt(name, **(fields or {})), CALLER, max_tokens), fetched or {})
