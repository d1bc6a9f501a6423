"""Which models an account cannot use with its settings, so that pages can say so before a request is sent."""

from gateway.callers import Caller
from gateway.protocols.chat_completions.request import parse

from . import catalogue_cache
from .constraints import RoutingConstraints
from .filters import EndpointFilter
from .model_names import ResolvedModel

__all__ = ["unavailable_models"]

#: A request without demands of its own: only the account's policy can exclude an endpoint.
_UNDEMANDING = parse({"messages": [{"role": "user", "content": ""}]})


async def unavailable_models(caller: Caller) -> list[str]:
    """IDs of the models that no endpoint may or can serve to the caller, whatever the request."""
    catalogue = await catalogue_cache.catalogue()
    endpoints = EndpointFilter(RoutingConstraints.of(_UNDEMANDING, caller.policy, prompt_tokens=0))
    return [
        model.id
        for model in catalogue.models.values()
        if not any(not endpoints.reason_to_exclude(endpoint, ResolvedModel(model)) for endpoint in model.endpoints)
    ]
