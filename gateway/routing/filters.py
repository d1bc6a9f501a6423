"""Why an endpoint may not serve a request. Pure."""

from collections import Counter
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings

from common.errors import ContextLengthExceeded, NoEndpoints
from gateway.tokens import compression
from models_catalog.catalog import EndpointEntry
from models_catalog.parameters import supports_all

from .availability import PRIVACY_PAGE, availability, page_of
from .constraints import Wishes
from .model_names import Named

__all__ = ["Excluded", "excluded_because", "refusal_of"]

#: Weights rounded this far are not what `:exacto` promises.
_COARSE = frozenset({"int4", "fp4", "mxfp4", "nvfp4", "fp6"})


def excluded_because(named: Named, endpoint: EndpointEntry, wishes: Wishes) -> str:
    """The first reason why the endpoint may not serve the request; empty when it may."""
    policy = wishes.policy
    if not _allowed(endpoint, wishes):
        return "allowed_providers"
    if _names(wishes.ignore, endpoint):
        return "ignored_providers"
    free = named.model.is_free
    if endpoint.trains and not (policy.allow_free_training if free else policy.allow_paid_training):
        return "data_policy:training"
    if endpoint.publishes and not (free and policy.allow_free_publication):
        return "data_policy:publication"
    if wishes.no_collection and not endpoint.keeps_nothing:
        return "data_policy:training"
    if wishes.no_retention and not endpoint.keeps_nothing:
        return "data_policy:zdr"
    if wishes.quantizations and endpoint.quantization not in wishes.quantizations:
        return "quantization"
    if _too_dear(endpoint, wishes.max_price):
        return "max_price"
    if not wishes.modalities <= set(named.model.input_modalities):
        return "input_modalities"
    if not supports_all(endpoint.supported_parameters, wishes.required):
        return "require_parameters"
    if wishes.prompt_tokens > endpoint.context_length and not _may_shorten(endpoint, wishes):
        return "context_length"
    if wishes.max_tokens and wishes.max_tokens > (endpoint.max_completion_tokens or endpoint.context_length):
        return "max_tokens"
    if wishes.distillable and not named.model.open_weights:
        return "distillable"
    if "exacto" in named.variants and endpoint.quantization in _COARSE:
        return "exacto"
    if "beta" in named.variants and endpoint.is_moderated:
        return "moderated"
    return ""


class Excluded(NamedTuple):
    """Why an endpoint may not or cannot serve a request, and whose it is."""

    reason: str
    provider_name: str


class _Reason(NamedTuple):
    words: str  # after a number of endpoints
    field: str = ""  # what to change in the request
    name: str = ""  # what programs know it as


#: Programs know ten reasons: ours that they do not know have the name of the nearest one.
_REASONS = {
    "providers": _Reason("without provider credentials on this site"),
    "data_policy:training": _Reason("by your data policy (may train on prompts)", "data_policy"),
    "data_policy:publication": _Reason(
        "by your data policy (may publish prompts)", "data_policy", "data_policy:training"
    ),
    "data_policy:zdr": _Reason("by your data policy (zero data retention)", "data_policy"),
    "allowed_providers": _Reason("by your list of allowed providers", "provider.only"),
    "ignored_providers": _Reason("by your list of ignored providers", "provider.ignore", "allowed_providers"),
    "max_price": _Reason("by max_price", "provider.max_price"),
    "context_length": _Reason("by context length", "messages"),
    "max_tokens": _Reason("by max_tokens", "max_tokens", "context_length"),
    "require_parameters": _Reason("by require_parameters", "provider.require_parameters"),
    "quantization": _Reason("by quantizations", "provider.quantizations"),
    "input_modalities": _Reason("by the kind of input", "messages", "require_parameters"),
    "distillable": _Reason("by enforce_distillable_text", "provider.enforce_distillable_text", "require_parameters"),
    "exacto": _Reason("by :exacto", "model", "quantization"),
    "moderated": _Reason("by :beta", "model", "require_parameters"),
}


def refusal_of(
    requested: str, named: list[Named], excluded: Counter[Excluded], prompt_tokens: int
) -> NoEndpoints | ContextLengthExceeded:
    """The error for a request that no endpoint may or can serve; its message counts what was left out, and why."""
    reasons: Counter[str] = Counter()
    for one, count in excluded.items():
        reasons[one.reason] += count
    if reasons and set(reasons) <= {"context_length"}:
        longest = max(one.model.context_length for one in named)
        return ContextLengthExceeded(
            f"The prompt has about {prompt_tokens} tokens; the context of {requested} is {longest}. Shorten it, or "
            'send "transforms": ["middle-out"].'
        )
    considered = sum(len(one.model.endpoints) for one in named)
    why = ", ".join(f"{count} {_REASONS[reason].words}" for reason, count in reasons.most_common())
    message = f"No endpoint of {requested} can serve this request. {considered} endpoints: {why or 'none usable'}."
    chosen = [reason for reason, _ in reasons.most_common() if reason != "providers"]
    private = bool(chosen) and all(reason.startswith("data_policy") for reason in chosen)
    if any(reason.startswith("data_policy") for reason in chosen):
        message += f" Adjust your data policy at {settings.SITE_URL}{PRIVACY_PAGE}."
    models = [one.model.id for one in named]
    constraint = {"field": _REASONS[chosen[0]].field, "detail": f"{reasons[chosen[0]]} of {considered} endpoints are "
                  f"excluded {_REASONS[chosen[0]].words}."} if chosen else None  # fmt: skip
    return NoEndpoints(
        message,
        availability=availability(
            "privacy_restricted" if private else "constraint_filtered" if chosen else "no_endpoints",
            models,
            PRIVACY_PAGE if private else page_of(models),
            affected_providers=sorted({one.provider_name for one in excluded}),
            excluded_by=sorted({_REASONS[reason].name or reason for reason in chosen}),
            constraint=constraint,
        ),
    )


def _may_shorten(endpoint: EndpointEntry, wishes: Wishes) -> bool:
    # What loses more than half of its prompt had better go to a longer context, or be refused.
    wanted = compression.is_wanted(wishes.compress, endpoint.context_length)
    return wanted and wishes.prompt_tokens <= 2 * endpoint.context_length


def _allowed(endpoint: EndpointEntry, wishes: Wishes) -> bool:
    account = wishes.policy.allowed_providers
    return (not account or _names(account, endpoint)) and (not wishes.only or _names(wishes.only, endpoint))


def _names(slugs: frozenset[str], endpoint: EndpointEntry) -> bool:
    return bool(slugs) and not slugs.isdisjoint(
        {endpoint.provider, endpoint.tag.lower(), endpoint.provider_name.lower()}
    )


def _too_dear(endpoint: EndpointEntry, limits: dict[str, Decimal]) -> bool:
    prices = endpoint.prices
    return any(
        (getattr(prices, name) or 0) * (1_000_000 if name in {"prompt", "completion", "audio"} else 1) > limit
        for name, limit in limits.items()
    )
