"""Which models an account cannot use with its settings, so that pages can say so before a request is sent."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from accounts.models import Organisation
from gateway.callers import Caller, Policy, policy_of
from gateway.protocols.chat_completions.request import parse
from models_catalog import catalog
from models_catalog.catalog import Catalogue, EndpointEntry, ModelEntry
from models_catalog.exclusions import Exclusion

from . import catalogue_cache
from .availability import LISTS_PAGE, PRIVACY_PAGE
from .constraints import RoutingConstraints
from .filters import EndpointFilter, is_listed
from .model_names import ResolvedModel
from .offered import offered_to

__all__ = ["excluded_endpoints", "excluded_for", "excluded_models", "exclusion_reasons", "unavailable_models"]

#: A request without demands of its own: only the account's policy can exclude an endpoint.
_UNDEMANDING = {"messages": [{"role": "user", "content": ""}]}

#: What pages say of a model that has no endpoint left, by the code of the reason, and the settings that change it.
_WORDS = {
    "allowed_models": ("Not on your list of allowed models.", LISTS_PAGE),
    "ignored_models": ("On your list of ignored models.", LISTS_PAGE),
    "allowed_providers": ("None of its providers is on your list of allowed providers.", LISTS_PAGE),
    "ignored_providers": ("All of its providers are on your list of ignored providers.", LISTS_PAGE),
    "data_policy:training": ("Its providers may train on prompts.", PRIVACY_PAGE),
    "data_policy:publication": ("Its providers may publish prompts.", PRIVACY_PAGE),
    "data_policy:zdr": ("Its providers retain prompts.", PRIVACY_PAGE),
}
#: The answers for the policies asked about last, with the catalog that they are about.
_known: dict[Policy, tuple[Catalogue, Mapping[str, Exclusion]]] = {}
_MOST_KNOWN = 500


async def exclusion_reasons(caller: Caller) -> dict[str, str]:
    """Why the caller's settings exclude models, by ID."""
    excluded = excluded_models(offered_to(caller.own_keys, await catalogue_cache.catalogue()), caller.policy)
    return {model_id: exclusion.reason for model_id, exclusion in excluded.items()}


async def unavailable_models(caller: Caller, provider: dict[str, Any] | None = None) -> list[str]:
    """IDs of the models that no endpoint may or can serve to the caller, whatever the request.

    With the `provider` object of requests, also those that it leaves without an endpoint. Raises InvalidRequest for a
    malformed one.
    """
    catalogue = offered_to(caller.own_keys, await catalogue_cache.catalogue())
    if provider is None:
        return list(excluded_models(catalogue, caller.policy))
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


def excluded_for(organisation: Organisation) -> Mapping[str, Exclusion]:
    """The models that the organization's settings exclude as they are saved now, by ID; blocks."""
    return excluded_models(catalog.current(), policy_of(organisation))


def excluded_endpoints(caller: Caller, name: str) -> list[tuple[EndpointEntry, str]]:
    """The endpoints of a model, by its ID, that the caller's policy excludes, each with the reason in words; blocks."""
    if (model := offered_to(caller.own_keys, catalog.current()).find(name.strip().lower())) is None:
        return []
    endpoints = EndpointFilter(RoutingConstraints.of(parse(_UNDEMANDING), caller.policy, prompt_tokens=0))
    resolved = ResolvedModel(model.alias_of or model)
    reasons = [(each, endpoints.reason_to_exclude(each, resolved)) for each in model.endpoints]
    return [(each, reason.words) for each, reason in reasons if reason]


def excluded_models(catalogue: Catalogue, policy: Policy) -> Mapping[str, Exclusion]:
    """The models without an endpoint that the policy allows, by ID. Made once for each policy and catalog."""
    known = _known.get(policy)
    if known is None or known[0] is not catalogue:
        if len(_known) >= _MOST_KNOWN:
            _known.clear()
        known = _known[policy] = catalogue, _excluded_models(catalogue, policy)
    return known[1]


def _excluded_models(catalogue: Catalogue, policy: Policy) -> dict[str, Exclusion]:
    endpoints = EndpointFilter(RoutingConstraints.of(parse(_UNDEMANDING), policy, prompt_tokens=0))
    excluded = {}
    for model in catalogue.models.values():
        resolved = ResolvedModel(model)
        reasons: Counter[str] = Counter()
        for endpoint in model.endpoints:
            if (reason := endpoints.reason_to_exclude(endpoint, resolved)) is None:
                break
            reasons[reason.code] += 1
        else:
            excluded[model.id] = _exclusion(reasons)
    return excluded


def _exclusion(reasons: Counter[str]) -> Exclusion:
    """In words, by the reason of most endpoints."""
    code = reasons.most_common(1)[0][0] if reasons else ""
    return Exclusion(*_WORDS.get(code, ("No provider of it meets your settings.", PRIVACY_PAGE)))
