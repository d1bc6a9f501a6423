"""Which models an account cannot use with its settings, so that pages can say so before a request is sent."""

from typing import Any

from gateway.callers import Caller
from gateway.protocols.chat_completions.request import parse
from models_catalog.catalog import EndpointEntry, ModelEntry

from . import catalogue_cache
from .constraints import RoutingConstraints
from .filters import EndpointFilter, is_listed
from .model_names import ResolvedModel

__all__ = ["unavailable_models"]

#: A request without demands of its own: only the account's policy can exclude an endpoint.
_UNDEMANDING = {"messages": [{"role": "user", "content": ""}]}


async def unavailable_models(caller: Caller, provider: dict[str, Any] | None = None) -> list[str]:
    """IDs of the models that no endpoint may or can serve to the caller, whatever the request.

    With the `provider` object of requests, also those that it leaves without an endpoint. Raises InvalidRequest for a
    malformed one.
    """
    catalogue = await catalogue_cache.catalogue()
    request = parse(_UNDEMANDING | {"provider": provider})
    wanted = request.provider
    endpoints = EndpointFilter(RoutingConstraints.of(request, caller.policy, prompt_tokens=0))
    listed = {name.strip().lower() for name in wanted.order or ()} if wanted.allow_fallbacks is False else set()

    def may_serve(endpoint: EndpointEntry, model: ModelEntry) -> bool:
        if listed and not is_listed(endpoint, listed):
            return False
        return not endpoints.reason_to_exclude(endpoint, ResolvedModel(model))

    return [
        model.id
        for model in catalogue.models.values()
        if not any(may_serve(endpoint, model) for endpoint in model.endpoints)
    ]
