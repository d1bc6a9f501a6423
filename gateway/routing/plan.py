"""Routing: which endpoints are tried for a request, in which order, and why. Pure: no I/O, no clock.

For each model of the request: exclude the endpoints that may not or cannot serve it (counting the reasons), prefer
those that support what the request uses (tools, structured output), and order the rest. By default the first endpoint
is drawn among the stable ones with weight 1/price², so that the cheapest is the likeliest and the others get some
traffic; endpoints that failed recently come last.
"""

from collections import Counter
from decimal import Decimal

import msgspec

from common.errors import NoEndpoints
from gateway.callers import Caller
from gateway.protocols.chat_completions.request import ChatRequest
from models_catalog.catalog import Catalogue

from .affinity import Draw
from .attempts import Attempt, RoutingContext
from .constraints import RoutingConstraints
from .filters import NO_CREDENTIALS, EndpointFilter, Exclusion, no_endpoints
from .model_names import ResolvedModel, resolve
from .ordering import order_attempts
from .tasks import require_task

__all__ = ["Attempt", "Plan", "RoutingContext", "make_plan"]


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
    stable_draw: Draw | None = None  # the conversation's own, for the choice of a provider's key

    @property
    def is_free(self) -> bool:
        """Whether the first attempt is a free model, which has rate limits instead of a price."""
        return self.attempts[0].model.is_free

    def without_free_models(self) -> "Plan | None":
        """The same plan without models that have free limits; None when no attempt would be left."""
        paid = tuple(attempt for attempt in self.attempts if not attempt.model.has_free_limits)
        return msgspec.structs.replace(self, attempts=paid) if paid else None


def make_plan(catalogue: Catalogue, request: ChatRequest, caller: Caller, context: RoutingContext) -> Plan:
    """The endpoints to try, in order.

    Raises ModelNotFound for an unknown name, InvalidRequest for a model of another task, NoEndpoints when no endpoint
    may or can serve the request (the message counts the exclusions by reason), and ContextLengthExceeded when only its
    length is in the way.
    """
    default = caller.default_model or context.default_model
    requested = request.model or (request.models[0] if request.models else default)
    constraints = RoutingConstraints.of(request, caller.policy, context.prompt_tokens)
    resolved = _resolved([requested, *request.models], catalogue, constraints, context)
    require_task(request, resolved)
    exclusions: Counter[Exclusion] = Counter()
    endpoints = EndpointFilter(constraints)
    groups = [_usable(one, endpoints, constraints, context, exclusions) for one in resolved]
    attempts = order_attempts(groups, resolved[0].variants, request, constraints, context)
    if not attempts:
        place = request.place(context.longest_part)
        raise no_endpoints(requested, resolved, exclusions, context.prompt_tokens, place)
    strategy = resolved[0].router.partition("/")[2] or ("fallback" if len(resolved) > 1 else "direct")
    considered = sum(len(one.model.endpoints) for one in resolved)
    plan = _bounded(requested, strategy, attempts, considered, request)
    return msgspec.structs.replace(plan, stable_draw=context.stable_draw) if context.stable_draw else plan


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
