"""Routing: which endpoints are tried for a request, in which order, and why. Pure: no I/O, no clock.

For each model of the request: exclude the endpoints that may not or cannot serve it (counting the reasons), prefer
those that support what the request uses (tools, structured output), and order the rest. By default the first endpoint
is drawn among the stable ones with weight 1/price², so that the cheapest is the likeliest and the others get some
traffic; endpoints that failed recently come last.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from math import log
from random import Random
from typing import Any

import msgspec

from common.errors import NoEndpoints
from gateway.callers import Caller
from gateway.protocols.chat_completions.request import ChatRequest
from models_catalog.catalog import Catalogue, EndpointEntry, ModelEntry

from .affinity import Draw
from .constraints import RoutingConstraints
from .filters import NO_CREDENTIALS, EndpointFilter, Exclusion, is_listed, no_endpoints
from .health import EndpointKey, Health
from .model_names import ResolvedModel, resolve
from .upstreams import Upstream, upstream_of

__all__ = ["Attempt", "Plan", "RoutingContext", "make_plan"]

_random = Random()  # shared: seeding one takes longer than drawing from it


class Attempt(msgspec.Struct, frozen=True):
    """One endpoint to try, and the reason for its position."""

    model: ModelEntry
    endpoint: EndpointEntry
    upstream: Upstream
    reason: str

    @property
    def key(self) -> EndpointKey:
        return EndpointKey(self.model.id, self.endpoint.tag)


class Plan(msgspec.Struct, frozen=True):
    """The attempts in order, and the prices that bound what any of them can cost."""

    requested_model: str
    strategy: str  # direct, fallback, auto, free
    attempts: tuple[Attempt, ...]
    considered: int  # endpoints of the requested models
    prompt_price: Decimal  # USD per token, of the most expensive attempt
    completion_price: Decimal
    request_price: Decimal  # USD per request
    image_price: Decimal  # USD per image
    max_output_tokens: int  # the longest response that any attempt can give

    @property
    def is_free(self) -> bool:
        """Whether the first attempt is a free model, which has rate limits instead of a price."""
        return self.attempts[0].model.is_free

    def without_free_models(self) -> "Plan | None":
        """The same plan without its free models; None when no attempt would be left."""
        paid = tuple(attempt for attempt in self.attempts if not attempt.model.is_free)
        return msgspec.structs.replace(self, attempts=paid) if paid else None


class RoutingContext(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan depends on besides the catalog, the request and its caller."""

    default_model: str
    auto_models: Sequence[str] = ()  # IDs that `openrouter/auto` tries, in order
    health: Health = Health()
    prompt_tokens: int = 0  # an estimate, for context limits
    #: The tag of the endpoint of a model (by ID) that has the conversation cached, or an empty string.
    sticky_endpoint: Callable[[str], str] = lambda model_id: ""
    stable_draw: Draw | None = None  # the conversation's own; None: it has none
    random: Random = _random
    upstream: Callable[[EndpointEntry], Upstream | None] = upstream_of

    def random_draw(self, _: str) -> float:
        return 1 - self.random.random()


def make_plan(catalogue: Catalogue, request: ChatRequest, caller: Caller, context: RoutingContext) -> Plan:
    """The endpoints to try, in order.

    Raises ModelNotFound for an unknown name, NoEndpoints when no endpoint may or can serve the request (the message
    counts the exclusions by reason), and ContextLengthExceeded when only its length is in the way.
    """
    default = caller.default_model or context.default_model
    requested = request.model or (request.models[0] if request.models else default)
    constraints = RoutingConstraints.of(request, caller.policy, context.prompt_tokens)
    resolved = _resolved([requested, *request.models], catalogue, constraints, context)
    exclusions: Counter[Exclusion] = Counter()
    endpoints = EndpointFilter(constraints)
    groups = [_usable(one, endpoints, constraints, context, exclusions) for one in resolved]
    attempts = _ordered(groups, resolved[0].variants, request, constraints, context)
    if not attempts:
        raise no_endpoints(requested, resolved, exclusions, context.prompt_tokens)
    strategy = resolved[0].router.partition("/")[2] or ("fallback" if len(resolved) > 1 else "direct")
    considered = sum(len(one.model.endpoints) for one in resolved)
    return _bounded(requested, strategy, attempts, considered, request)


def _resolved(
    names: list[str], catalogue: Catalogue, constraints: RoutingConstraints, context: RoutingContext
) -> list[ResolvedModel]:
    """The models that the names stand for. NoEndpoints when none of them has a provider."""
    draw = context.stable_draw or context.random_draw
    resolved: list[ResolvedModel] = []
    unserved: NoEndpoints | None = None
    for name in dict.fromkeys(names):
        try:
            resolved += resolve(catalogue, name, auto_models=context.auto_models, needs=constraints.needs, draw=draw)
        except NoEndpoints as error:
            unserved = unserved or error
    if unserved and not resolved:
        raise unserved
    return resolved


# --- Excluding ----------------------------------------------------------------------------------------


def _usable(
    resolved: ResolvedModel,
    endpoints: EndpointFilter,
    constraints: RoutingConstraints,
    context: RoutingContext,
    exclusions: Counter[Exclusion],
) -> list[Attempt]:
    """The model's endpoints that may and can serve the request; the others are counted in `exclusions`.

    Simulated endpoints are left out if there is a real one.
    """
    usable: list[Attempt] = []
    for endpoint in resolved.model.endpoints:
        upstream = context.upstream(endpoint)
        if upstream is None:
            exclusions[Exclusion(NO_CREDENTIALS, endpoint.provider_name)] += 1
        elif reason := endpoints.reason_to_exclude(endpoint, resolved):
            exclusions[Exclusion(reason, endpoint.provider_name)] += 1
        else:
            usable.append(Attempt(resolved.model, endpoint, upstream, ""))
    usable = [one for one in usable if not one.upstream.simulated] or usable
    usable = [one for one in usable if constraints.prompt_tokens <= one.endpoint.context_length] or usable
    for parameter in constraints.preferred_parameters:
        usable = [one for one in usable if parameter in one.endpoint.supported_parameters] or usable
    return usable


# --- Ordering -----------------------------------------------------------------------------------------


def _ordered(
    groups: list[list[Attempt]],
    variants: frozenset[str],
    request: ChatRequest,
    constraints: RoutingConstraints,
    context: RoutingContext,
) -> list[Attempt]:
    """The attempts of all models in the order to try them. `variants` are those of the first model's name."""
    preferences = request.provider
    by, partition = _sorting(preferences.sort, variants)
    if request.body.get("route") == "sort":  # the older spelling of `partition: "none"`
        partition = "none"
    if by and partition == "none":
        groups = [[attempt for group in groups for attempt in group]]
    attempts: list[Attempt] = []
    for group in groups:
        if preferences.order:
            ordered = _listed_first(group, preferences.order, context)
            if preferences.allow_fallbacks is False:
                ordered = [one for one in ordered if one.reason == "order"]
        else:
            ordered = _sorted(group, by, context.health) if by else _balanced(group, context)
            ordered = _sticky_first(ordered, context)
            if preferences.allow_fallbacks is False:
                ordered = ordered[:1]
        attempts += ordered
    if constraints.prefers_performance:
        # A stable sort: endpoints that are too slow go behind all others, in the same order.
        attempts.sort(key=lambda attempt: not constraints.is_fast_enough(context.health.of(attempt.key)))
    return attempts


def _sorting(sort: str | dict[str, Any] | None, variants: frozenset[str]) -> tuple[str, str]:
    """(what to sort by or empty, partition): `provider.sort` overrides the variant of the name."""
    if isinstance(sort, dict):
        return str(sort.get("by") or ""), str(sort.get("partition") or "model")
    if sort:
        return sort, "model"
    by = "throughput" if "nitro" in variants else "price" if "floor" in variants else ""
    return by or ("exacto" if "exacto" in variants else ""), "model"


def _sorted(group: list[Attempt], by: str, health: Health) -> list[Attempt]:
    """By price, throughput, latency or quality; unknown figures last, ties by price."""

    def key(attempt: Attempt) -> tuple[Any, ...]:
        known = health.of(attempt.key)
        price = attempt.endpoint.prices.per_token
        failing = health.is_failing(attempt.key)
        match by:
            case "throughput":
                return (failing, -(known.throughput or {}).get("p50", 0.0), price)
            case "latency":
                return (failing, (known.latency or {}).get("p50", float("inf")), price)
            case "exacto":
                return (failing, -(known.uptime or 100.0), -(known.throughput or {}).get("p50", 0.0), price)
            case _:
                return (failing, price)

    return [_because(attempt, by) for attempt in sorted(group, key=key)]


def _balanced(group: list[Attempt], context: RoutingContext) -> list[Attempt]:
    """One stable endpoint drawn with weight 1/price², the others by price; then degraded ones, then failing ones."""
    health = context.health
    stable, degraded, failing = [], [], []
    for attempt in sorted(group, key=lambda attempt: (attempt.endpoint.prices.per_token, attempt.endpoint.tag)):
        key = attempt.key
        if health.is_failing(key):
            failing.append(_because(attempt, "recent outage"))
        elif health.of(key).is_degraded:
            degraded.append(_because(attempt, "degraded"))
        else:
            stable.append(_because(attempt, "price"))
    if len(stable) > 1:
        first = _drawn(stable, context)
        stable.remove(first)
        stable.insert(0, _because(first, "balanced by price"))
    return stable + degraded + failing


def _drawn(attempts: list[Attempt], context: RoutingContext) -> Attempt:
    """Weighted random choice with weight 1/price² (exponential-clock method), stable per conversation.

    If an endpoint drops out, only its own conversations move. A free endpoint is always chosen.
    """
    any_caches = any(one.endpoint.prices.caches for one in attempts)
    draw = context.stable_draw if context.stable_draw and any_caches else context.random_draw

    def arrival(attempt: Attempt) -> tuple[float, float]:
        drawn = draw(attempt.endpoint.tag)
        return -log(drawn) * float(attempt.endpoint.prices.per_token) ** 2, drawn

    return min(attempts, key=arrival)


def _sticky_first(ordered: list[Attempt], context: RoutingContext) -> list[Attempt]:
    """The endpoint that has the conversation cached goes first, unless it is failing."""

    def is_sticky(attempt: Attempt) -> bool:
        if context.sticky_endpoint(attempt.model.id) != attempt.endpoint.tag:
            return False
        return not context.health.is_failing(attempt.key)

    sticky = [_because(attempt, "prompt cache") for attempt in ordered if is_sticky(attempt)]
    return sticky + [attempt for attempt in ordered if not is_sticky(attempt)] if sticky else ordered


def _listed_first(group: list[Attempt], order: list[str], context: RoutingContext) -> list[Attempt]:
    listed: list[Attempt] = []
    for name in order:
        names = {name.strip().lower()}
        listed += [attempt for attempt in group if is_listed(attempt.endpoint, names) and attempt not in listed]
    others = [attempt for attempt in group if attempt not in listed]
    return [_because(attempt, "order") for attempt in listed] + _balanced(others, context)


def _because(attempt: Attempt, reason: str) -> Attempt:
    return Attempt(attempt.model, attempt.endpoint, attempt.upstream, reason)


# --- The result ---------------------------------------------------------------------------------------


def _bounded(requested: str, strategy: str, attempts: list[Attempt], considered: int, request: ChatRequest) -> Plan:
    """The plan, with the highest price of any attempt for each kind of token."""
    prompt = completion = Decimal(0)
    for_an_hour = any(one.endpoint.prices.input_cache_write_1h for one in attempts) and request.caches_for_an_hour()
    for attempt in attempts:
        for prices in (attempt.endpoint.prices, *(tier.prices for tier in attempt.endpoint.tiers)):
            prompt = max(prompt, prices.prompt, prices.input_cache_write or Decimal(0))
            if for_an_hour:
                prompt = max(prompt, prices.input_cache_write_1h or Decimal(0))
            completion = max(completion, prices.completion, prices.internal_reasoning or Decimal(0))
    return Plan(
        requested_model=requested,
        strategy=strategy,
        attempts=tuple(attempts),
        considered=considered,
        prompt_price=prompt,
        completion_price=completion,
        request_price=max(attempt.endpoint.prices.request for attempt in attempts),
        image_price=max(attempt.endpoint.prices.image for attempt in attempts),
        max_output_tokens=max(
            attempt.endpoint.max_completion_tokens or attempt.endpoint.context_length for attempt in attempts
        ),
    )
