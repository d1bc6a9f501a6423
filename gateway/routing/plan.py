"""Routing: which endpoints are tried for a request, in which order, and why. Pure: no I/O, no clock.

For each model in the order asked for: leave out what may not or cannot serve the request (counting
each reason), keep to endpoints that support what the request would like (tools, structured output),
then order what remains. Without a wish of the caller's, stable endpoints are drawn with weight
1/price², so the cheapest is the likeliest and the others stay warm; endpoints that just failed come last.
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

from .constraints import Wishes
from .filters import NO_CREDENTIALS, Exclusion, Rule, applicable_rules, is_listed, reason_to_exclude, refusal_of
from .health import EndpointKey, Health
from .model_names import Named, resolve
from .upstreams import Upstream, upstream_of

__all__ = ["Attempt", "Plan", "make_plan"]

#: A number above 0, up to 1, for each name.
Lot = Callable[[str], float]
#: That of the conversation, where it has one, and that of chance.
Lots = tuple[Lot | None, Lot]

_random = Random()  # one for all: seeding takes longer than drawing


class Attempt(msgspec.Struct, frozen=True):
    """One endpoint to try, and the reason it stands where it stands."""

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
    considered: int  # endpoints of the models asked for
    prompt_price: Decimal  # USD per token, of the dearest attempt
    completion_price: Decimal
    request_price: Decimal  # USD per request
    image_price: Decimal  # USD per image
    most_tokens: int  # the longest answer any attempt can give

    @property
    def is_free(self) -> bool:
        """Whether the first choice is a free model: those have limits instead of a price."""
        return self.attempts[0].model.is_free

    def without_free_models(self) -> "Plan | None":
        """The same for who has reached those limits; None when nothing is left."""
        paid = tuple(attempt for attempt in self.attempts if not attempt.model.is_free)
        return msgspec.structs.replace(self, attempts=paid) if paid else None


def make_plan(
    catalogue: Catalogue,
    request: ChatRequest,
    caller: Caller,
    *,
    default_model: str,
    auto_models: Sequence[str] = (),
    health: Health | None = None,
    random: Random | None = None,
    prompt_tokens: int = 0,
    upstream: Callable[[EndpointEntry], Upstream | None] = upstream_of,
    home: Callable[[str], str] = lambda model_id: "",
    lot: Lot | None = None,
) -> Plan:
    """The endpoints to try, in order.

    `prompt_tokens` is an estimate, for context limits; `home` gives the tag of the endpoint of a model that has the
    conversation in its cache, or an empty string; `lot` draws for the conversation, where `random` would.
    Raises ModelNotFound for a name that means nothing, NoEndpoints when nothing may or can serve the request (its
    message counts what was left out, and why), and ContextLengthExceeded when it is only too long.
    """
    health = health or Health()
    random = random or _random

    def by_chance(name: str) -> float:
        return 1 - random.random()

    requested = request.model or (request.models[0] if request.models else caller.default_model or default_model)
    wishes = Wishes.of(request, caller.policy, prompt_tokens)
    named: list[Named] = []
    unserved: NoEndpoints | None = None
    for name in dict.fromkeys([requested, *request.models]):
        try:
            named += resolve(catalogue, name, auto_models=list(auto_models), needs=wishes.needs, lot=lot or by_chance)
        except NoEndpoints as error:
            unserved = unserved or error
    if unserved and not named:
        raise unserved
    excluded: Counter[Exclusion] = Counter()
    rules = applicable_rules(wishes)
    groups = [_usable(one, wishes, rules, upstream, excluded) for one in named]
    considered = sum(len(one.model.endpoints) for one in named)
    attempts = _ordered(groups, named, request, wishes, health, (lot, by_chance), home)
    if not attempts:
        raise refusal_of(requested, named, excluded, prompt_tokens)
    strategy = named[0].router.partition("/")[2] or ("fallback" if len(named) > 1 else "direct")
    return _bounded(requested, strategy, attempts, considered, request)


# --- Leaving out --------------------------------------------------------------------------------------


def _usable(
    named: Named,
    wishes: Wishes,
    rules: list[Rule],
    upstream: Callable[[EndpointEntry], Upstream | None],
    excluded: Counter[Exclusion],
) -> list[Attempt]:
    """The model's endpoints that may and can serve the request. A simulated one never stands in for a real one."""
    usable: list[Attempt] = []
    for endpoint in named.model.endpoints:
        where = upstream(endpoint)
        if where is None:
            excluded[Exclusion(NO_CREDENTIALS, endpoint.provider_name)] += 1
        elif reason := reason_to_exclude(endpoint, named, wishes, rules):
            excluded[Exclusion(reason, endpoint.provider_name)] += 1
        else:
            usable.append(Attempt(named.model, endpoint, where, ""))
    usable = [one for one in usable if not one.upstream.simulated] or usable
    usable = [one for one in usable if wishes.prompt_tokens <= one.endpoint.context_length] or usable
    for parameter in wishes.soft:
        usable = [one for one in usable if parameter in one.endpoint.supported_parameters] or usable
    return usable


# --- Ordering -----------------------------------------------------------------------------------------


def _ordered(
    groups: list[list[Attempt]],
    named: list[Named],
    request: ChatRequest,
    wishes: Wishes,
    health: Health,
    lots: Lots,
    home: Callable[[str], str],
) -> list[Attempt]:
    preferences = request.provider
    by, partition = _sort(preferences.sort, named[0].variants)
    if request.body.get("route") == "sort":  # how the partition used to be spelled
        partition = "none"
    if by and partition == "none":
        groups = [[attempt for group in groups for attempt in group]]
    attempts: list[Attempt] = []
    for group in groups:
        if preferences.order:
            ordered = _listed_first(group, preferences.order, health, lots)
            if preferences.allow_fallbacks is False:
                ordered = [one for one in ordered if one.reason == "order"]
        else:
            ordered = _sorted(group, by, health) if by else _balanced(group, health, lots)
            ordered = _home_first(ordered, home, health)
            if preferences.allow_fallbacks is False:
                ordered = ordered[:1]
        attempts += ordered
    # A stable sort: whoever misses a performance wish goes behind everybody who meets it.
    return sorted(attempts, key=lambda attempt: not wishes.performs(health.of(attempt.key)))


def _sort(sort: str | dict[str, Any] | None, variants: frozenset[str]) -> tuple[str, str]:
    """(what to sort by or empty, partition): the request's own word beats the name's variant."""
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
        down = attempt.key in health.failing or known.is_down
        match by:
            case "throughput":
                return (down, -(known.throughput or {}).get("p50", 0.0), price)
            case "latency":
                return (down, (known.latency or {}).get("p50", float("inf")), price)
            case "exacto":
                return (down, -(known.uptime or 100.0), -(known.throughput or {}).get("p50", 0.0), price)
            case _:
                return (down, price)

    return [_because(attempt, by) for attempt in sorted(group, key=key)]


def _balanced(group: list[Attempt], health: Health, lots: Lots) -> list[Attempt]:
    """One stable endpoint drawn with weight 1/price², the others by price; then degraded ones, then failing ones."""
    stable, degraded, failing = [], [], []
    for attempt in sorted(group, key=lambda attempt: (attempt.endpoint.prices.per_token, attempt.endpoint.tag)):
        known = health.of(attempt.key)
        if attempt.key in health.failing or known.is_down:
            failing.append(_because(attempt, "recent outage"))
        elif known.is_degraded:
            degraded.append(_because(attempt, "degraded"))
        else:
            stable.append(_because(attempt, "price"))
    if len(stable) > 1:
        first = _drawn(stable, lots)
        stable.remove(first)
        stable.insert(0, _because(first, "balanced by price"))
    return stable + degraded + failing


def _drawn(attempts: list[Attempt], lots: Lots) -> Attempt:
    """One of them: the first to arrive, if each came after a random time with the rate 1/price². So when one drops out,
    the others' conversations stay where they are. Nothing comes before what is free."""
    for_conversation, by_chance = lots
    caches = any(one.endpoint.prices.caches for one in attempts)
    lot = for_conversation if for_conversation and caches else by_chance

    def arrival(attempt: Attempt) -> tuple[float, float]:
        drawn = lot(attempt.endpoint.tag)
        return -log(drawn) * float(attempt.endpoint.prices.per_token) ** 2, drawn

    return min(attempts, key=arrival)


def _home_first(ordered: list[Attempt], home: Callable[[str], str], health: Health) -> list[Attempt]:
    """The endpoint that has the conversation in its cache first, unless it is failing."""

    def at_home(attempt: Attempt) -> bool:
        failing = attempt.key in health.failing or health.of(attempt.key).is_down
        return not failing and home(attempt.model.id) == attempt.endpoint.tag

    staying = [_because(attempt, "prompt cache") for attempt in ordered if at_home(attempt)]
    return staying + [attempt for attempt in ordered if not at_home(attempt)] if staying else ordered


def _listed_first(group: list[Attempt], order: list[str], health: Health, lots: Lots) -> list[Attempt]:
    listed: list[Attempt] = []
    for slug in order:
        listed += [attempt for attempt in group if matches(slug, attempt.endpoint) and attempt not in listed]
    others = [attempt for attempt in group if attempt not in listed]
    return [_because(attempt, "order") for attempt in listed] + _balanced(others, health, lots)


def matches(slug: str, endpoint: EndpointEntry) -> bool:
    """Whether a provider slug, a full endpoint tag or a provider's display name names this endpoint."""
    return is_listed(endpoint, {slug.strip().lower()})


def _because(attempt: Attempt, reason: str) -> Attempt:
    return msgspec.structs.replace(attempt, reason=reason)


# --- The result ---------------------------------------------------------------------------------------


def _bounded(requested: str, strategy: str, attempts: list[Attempt], considered: int, request: ChatRequest) -> Plan:
    prompt = completion = Decimal(0)
    for_an_hour = any(one.endpoint.prices.input_cache_write_1h for one in attempts) and request.asks_for_an_hour()
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
        most_tokens=max(
            attempt.endpoint.max_completion_tokens or attempt.endpoint.context_length for attempt in attempts
        ),
    )
