"""The order in which the endpoints of a plan are tried. Pure."""

from math import log
from typing import Any

from gateway.protocols.chat_completions.request import ChatRequest

from . import quality
from .attempts import Attempt, RoutingContext
from .constraints import RoutingConstraints
from .filters import is_listed
from .health import EndpointKey, Health

__all__ = ["order_attempts"]


def order_attempts(
    groups: list[list[Attempt]],
    variants: frozenset[str],
    request: ChatRequest,
    constraints: RoutingConstraints,
    context: RoutingContext,
) -> list[Attempt]:
    """The attempts of all models in the order to try them. `variants` are those of the first model's name."""
    preferences = request.provider
    by, partition = _sorting(preferences.sort, variants)
    by = by or constraints.policy.default_sort
    if request.body.get("route") == "sort":  # the older spelling of `partition: "none"`
        partition = "none"
    if by and partition == "none":
        groups = [[attempt for group in groups for attempt in group]]
    attempts: list[Attempt] = []
    for group in groups:
        group, copies = _without_copies(group)
        if preferences.order:
            ordered = _listed_first(group, preferences.order, context)
            if preferences.allow_fallbacks is False:
                ordered = [one for one in ordered if one.reason == "order"]
        else:
            tier, group = _of_tier(group, constraints.service_tier)
            ordered = _sorted(group, by, context.health) if by else _balanced(group, context)
            ordered = _sticky_first(ordered, by, context)
            if tier:
                ordered = _sorted(tier, _TIER_SORTS[constraints.service_tier], context.health) + ordered
            if preferences.allow_fallbacks is False:
                # Preferred throughput and latency count without fallbacks as well, behind the caller's own keys.
                ordered.sort(key=lambda one: (one.key not in copies, _is_too_slow(one, constraints, context)))
                ordered = ordered[:1]
        attempts += _with_copies(ordered, copies) if copies else ordered
    if constraints.prefers_performance:
        # A stable sort: endpoints that are too slow go behind all others, in the same order.
        attempts.sort(key=lambda attempt: not _is_first(attempt) and _is_too_slow(attempt, constraints, context))
    return attempts


#: Attempts on the caller's own keys, by the endpoint that they are copies of.
_Copies = dict[EndpointKey, list[Attempt]]


def _without_copies(group: list[Attempt]) -> tuple[list[Attempt], _Copies]:
    """(one attempt for each endpoint, the attempts on own keys): the order is one of endpoints."""
    if not any(one.own for one in group):
        return group, {}
    copies: _Copies = {}
    endpoints = {one.key: one for one in group if not one.own}
    for one in group:
        if one.own:
            endpoints.setdefault(one.key, one)
            copies.setdefault(one.key, []).append(one)
    return list(endpoints.values()), copies


def _with_copies(ordered: list[Attempt], copies: _Copies) -> list[Attempt]:
    """The caller's own keys first, then shared capacity, then the caller's fallback keys."""
    own = [copy for one in ordered for copy in copies.get(one.key, ())]
    first = [_because(one, "own key") for one in own if _is_first(one)]
    last = [_because(one, "own fallback key") for one in own if not _is_first(one)]
    return [*first, *(one for one in ordered if not one.own), *last]


def _is_first(attempt: Attempt) -> bool:
    return attempt.own is not None and not attempt.own.is_fallback


def _is_too_slow(attempt: Attempt, constraints: RoutingConstraints, context: RoutingContext) -> bool:
    return not constraints.is_fast_enough(context.health.of(attempt.key))


#: Endpoints of a requested service tier come first, in this order.
_TIER_SORTS = {"priority": "throughput", "flex": "price"}


def _of_tier(group: list[Attempt], tier: str) -> tuple[list[Attempt], list[Attempt]]:
    """(the attempts at endpoints of the tier, the others); no tier: ([], all)."""
    if not tier:
        return [], group
    return (
        [one for one in group if one.endpoint.service_tier == tier],
        [one for one in group if one.endpoint.service_tier != tier],
    )


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
                return (failing, *quality.rank(attempt.endpoint, known), price)
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


def _sticky_first(ordered: list[Attempt], by: str, context: RoutingContext) -> list[Attempt]:
    """The endpoint that has the conversation cached goes first, unless it is failing or, by quality, is a worse one."""

    def grade(attempt: Attempt) -> tuple[bool, int]:
        return quality.grade(attempt.endpoint, context.health.of(attempt.key))

    def is_sticky(attempt: Attempt) -> bool:
        if context.sticky_endpoint(attempt.model.id) != attempt.endpoint.tag:
            return False
        if by == "exacto" and grade(attempt) != grade(ordered[0]):
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
