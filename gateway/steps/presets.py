"""Presets of requests: finding the one that a request names, and checking one that is saved."""

from typing import Any

import msgspec
from django.conf import settings

from common.errors import InvalidRequest, ModelNotFound, NoEndpoints
from gateway import web_search
from gateway.callers import Policy
from gateway.protocols.chat_completions.body import ProviderPreferences
from gateway.protocols.chat_completions.request import ChatRequest, parse
from gateway.routing.constraints import RoutingConstraints
from gateway.routing.model_names import resolve
from models_catalog import catalog
from presets import lookup, merging

__all__ = ["check", "with_preset"]

#: Fields of a preset that mean something to requests that are no chat.
_FIELDS_OF_EVERY_TASK = ("model", "models", "provider")


async def with_preset(organisation_id: int, request: ChatRequest) -> ChatRequest:
    """Return the request with the fields and the system prompt of the preset that it names; unchanged without one.

    The system prompt comes before the request's own messages. Raises ApiError as `presets.lookup.find` does.
    """
    if not _names_preset(request):
        return request
    slug = merging.named_slug(request.body)
    preset = await lookup.find(organisation_id, slug)
    if type(request) is not ChatRequest:
        return _of_another_task(request, preset)
    body = merging.merged(preset.config, request.body)
    system = [{"role": "system", "content": preset.system_prompt}] if preset.system_prompt else []
    if not request.is_text_completion:
        body["messages"] = system + body["messages"]
    merged = parse(body, max_stops=None)  # the protocol has counted those of the request
    messages = system + merged.messages if request.is_text_completion else merged.messages
    return msgspec.structs.replace(
        merged, **_added_by_protocol(request, merged) | {"messages": messages, "preset": preset}
    )


def check(config: dict[str, Any]) -> None:
    """Raise InvalidRequest, which names the place, unless requests may have these fields and the models exist."""
    request = parse({**config, "messages": [{"role": "user", "content": "Hello"}]})
    needs = RoutingConstraints.of(request, Policy(), 0).needs
    web_search.requested_search(request, settings.DEFAULT_MODEL)
    for place, names in (("model", (request.model,)), ("models", request.models)):
        for name in filter(None, names):
            try:
                resolve(catalog.current(), name, auto_models=settings.AUTO_MODELS, needs=needs, draw=lambda name: 0.0)
            except NoEndpoints:
                pass  # a provider may be set up later
            except ModelNotFound as error:
                raise InvalidRequest(f"{error.message} - at `$.{place}`") from error


def _added_by_protocol(request: ChatRequest, merged: ChatRequest) -> dict[str, Any]:
    """The fields that the request has and its body has not: its protocol has added them."""
    fields = ((name, getattr(request, name)) for name in ChatRequest.__struct_fields__)
    return {name: value for name, value in fields if value and not getattr(merged, name)}


def _of_another_task(request: ChatRequest, preset: merging.PresetInUse) -> ChatRequest:
    """The request with the preset's models and provider preferences: prompts and sampling are for chats."""
    config = {name: preset.config[name] for name in _FIELDS_OF_EVERY_TASK if name in preset.config}
    body = merging.merged(config, request.body)
    return msgspec.structs.replace(
        request,
        body=body,
        model=body.get("model"),
        models=tuple(body.get("models") or ()),
        provider=msgspec.convert(body.get("provider") or {}, ProviderPreferences),
        preset=preset,
    )


def _names_preset(request: ChatRequest) -> bool:
    return (
        request.body.get("preset") is not None
        or merging.NAME_PREFIX in (request.model or "")
        or any(merging.NAME_PREFIX in name for name in request.models)
    )
