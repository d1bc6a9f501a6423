"""Routing: which endpoints are tried for a request, in which order, and why. Pure: no I/O, no clock.

For each model of the request: exclude the endpoints that may not or cannot serve it (counting the reasons), prefer
those that support what the request uses (tools, structured output), and order the rest. By default the first endpoint
is drawn among the stable ones with weight 1/price², so that the cheapest is the likeliest and the others get some
traffic; endpoints that failed recently come last.
"""

from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from common.errors import ModelNotFound, NoEndpoints
from gateway.callers import Caller
from gateway.protocols.chat_completions.request import ChatRequest
from keys.provider_keys.using import OwnKey
from keys.rules.status import model_refusal
from models_catalog.catalog import Catalogue, EndpointEntry, ModelEntry

from .affinity import Draw
from .attempts import Attempt, RoutingContext
from .constraints import RoutingConstraints
from .filters import NO_CREDENTIALS, EndpointFilter, no_endpoints
from .model_names import ResolvedModel, resolve
from .ordering import order_attempts
from .rules import Exclusion
from .tasks import require_task

__all__ = ["Attempt", "Plan", "RoutingContext", "make_plan"]

#: Tokens of an image in a response, at least.
MIN_IMAGE_TOKENS = 500


class Plan(msgspec.Struct, frozen=True):
    """The attempts in order, and the prices that bound what any of them can cost."""

    requested_model: str
    strategy: str  # direct, fallback, auto, free, latest
    attempts: tuple[Attempt, ...]
    considered: int  # endpoints of the requested models
    prompt_price: Decimal  # USD per token, of the most expensive attempt
    file_price: Decimal  # USD per token of files in the prompt, which may be sound
    completion_price: Decimal
    request_price: Decimal  # USD per request
    image_price: Decimal  # USD per image
    max_output_tokens: int  # the longest response that any attempt can give
    stable_draw: Draw | None = None  # the conversation's own, for the choice of a provider's key
    #: Where the caller's own provider keys come in: the plan with the attempts on them alone...
    own: "Plan | None" = None
    #: ...and that with the others; None when there are none.
    shared: "Plan | None" = None

    @property
    def is_free(self) -> bool:
        """Whether the first attempt is a free model, which has rate limits instead of a price."""
        return self.attempts[0].model.is_free

    def without_free_models(self) -> "Plan | None":
        """The same plan without models that have free limits; None when no attempt would be left."""
        paid = tuple(attempt for attempt in self.attempts if not attempt.model.has_free_limits)
        if not paid:
            return None
        own, shared = (part.without_free_models() if part else None for part in (self.own, self.shared))
        return msgspec.structs.replace(self, attempts=paid, own=own, shared=shared)


def make_plan(catalogue: Catalogue, request: ChatRequest, caller: Caller, context: RoutingContext) -> Plan:
    """The endpoints to try, in order.

    A name without a model gives way to the next one. Raises ModelNotFound for an unknown name after which none is
    left, InvalidRequest for a model of another task, NoEndpoints when no endpoint may or can serve the request (the
    message counts the exclusions by reason), PermissionDenied when the API key may use none of the models or only a
    guardrail's lists are in the way, and ContextLengthExceeded when only its length is.
    """
    default = caller.default_model or context.default_model
    requested = request.model or (request.models[0] if request.models else default)
    if caller.own_keys:
        catalogue = catalogue.complete  # a key of the caller's own makes more available
    constraints = RoutingConstraints.of(request, caller.policy, context.prompt_tokens)
    resolved = _of_key(
        _resolved([requested, *request.models], catalogue, constraints, context, caller), caller, requested
    )
    require_task(request, resolved)
    exclusions: Counter[Exclusion] = Counter()
    endpoints = EndpointFilter(constraints)
    considered = 0
    groups: list[list[Attempt]] = []
    for one in resolved:
        offered = constraints.of_eligible_tiers(one.model, one.variants)
        considered += len(offered)
        groups.append(_usable(one, offered, endpoints, constraints, context, exclusions, caller.own_keys))
    attempts = order_attempts(groups, resolved[0].variants, request, constraints, context)
    if not attempts:
        raise no_endpoints(
            requested,
            resolved,
            exclusions,
            considered=considered,
            prompt_tokens=context.prompt_tokens,
            place=request.place(context.longest_part),
        )
    has_others = any(name != requested for name in request.models)
    strategy = resolved[0].strategy or ("fallback" if has_others else "direct")
    plan = _bounded(requested, strategy, attempts, considered, request)
    if caller.own_keys and (own := [one for one in attempts if one.own]):
        others = [one for one in attempts if not one.own]
        plan = msgspec.structs.replace(
            plan,
            own=_bounded(requested, strategy, own, considered, request),
            shared=_bounded(requested, strategy, others, considered, request) if others else None,
        )
    return msgspec.structs.replace(plan, stable_draw=context.stable_draw) if context.stable_draw else plan


def _resolved(
    names: list[str], catalogue: Catalogue, constraints: RoutingConstraints, context: RoutingContext, caller: Caller
) -> list[ResolvedModel]:
    """The models that the names stand for. The error of the last name when none has a model."""
    draw = context.stable_draw or context.random_draw

    def allows(model: ModelEntry) -> bool:
        guardrails = constraints.policy.guardrails
        return caller.allows_model(model.id) and all(each.allows_model(model.id) for each in guardrails)

    resolved: list[ResolvedModel] = []
    failure: NoEndpoints | ModelNotFound | None = None
    for name in dict.fromkeys(names):
        try:
            resolved += resolve(
                catalogue,
                name,
                auto_models=context.auto_models,
                needs=constraints.needs,
                draw=draw,
                allows=allows,
            )
        except (NoEndpoints, ModelNotFound) as error:
            failure = error
    if failure and not resolved:
        raise failure
    return resolved


def _of_key(resolved: list[ResolvedModel], caller: Caller, requested: str) -> list[ResolvedModel]:
    """The models that the caller's API key may use. Raises PermissionDenied when it is none."""
    if (restrictions := caller.restrictions) is None or not restrictions.models:
        return resolved
    if not (allowed := [one for one in resolved if restrictions.allows_model(one.model.id)]):
        raise model_refusal(restrictions, requested)
    return allowed


def _usable(
    resolved: ResolvedModel,
    offered: Sequence[EndpointEntry],
    endpoints: EndpointFilter,
    constraints: RoutingConstraints,
    context: RoutingContext,
    exclusions: Counter[Exclusion],
    own_keys: Sequence[OwnKey],
) -> list[Attempt]:
    """The endpoints of `offered` that may and can serve the request; the others are counted in `exclusions`.

    Simulated endpoints are left out if there is a real one. Each of the caller's own keys makes a copy of the endpoints
    of its provider.
    """
    usable: list[Attempt] = []
    copies: list[Attempt] = []
    for endpoint in offered:
        mine, is_shared = _own_copies(resolved, endpoint, own_keys, context) if own_keys else ([], True)
        upstream = context.upstream(endpoint) if is_shared else None
        if upstream is None and not mine:
            exclusions[Exclusion(NO_CREDENTIALS, endpoint.provider_name)] += 1
        elif reason := endpoints.reason_to_exclude(endpoint, resolved):
            exclusions[Exclusion(reason, endpoint.provider_name)] += 1
        else:
            copies += mine
            if upstream is not None:
                usable.append(Attempt(resolved.model, endpoint, upstream, ""))
    usable = copies + ([one for one in usable if not one.upstream.simulated] or usable)
    usable = [one for one in usable if constraints.prompt_tokens <= one.endpoint.context_length] or usable
    if constraints.service_tier == "flex":
        usable = [one for one in usable if one.endpoint.service_tier == "flex"] or usable
    for parameter in constraints.preferred_parameters:
        usable = [one for one in usable if parameter in one.endpoint.supported_parameters] or usable
    return usable


def _own_copies(
    resolved: ResolvedModel, endpoint: EndpointEntry, own_keys: Sequence[OwnKey], context: RoutingContext
) -> tuple[list[Attempt], bool]:
    """(the endpoint's copies, one for each of the caller's keys that apply, whether shared capacity may serve it)."""
    mine = [key for key in own_keys if key.provider == endpoint.provider and key.allows_model(resolved.model.id)]
    upstreams = [upstream for key in mine if (upstream := context.own_upstream(endpoint, key)) is not None]
    copies = [Attempt(resolved.model, endpoint, upstream, "") for upstream in upstreams]
    return copies, endpoint.configured and not any(key.always_use for key in mine)


def _bounded(requested: str, strategy: str, attempts: list[Attempt], considered: int, request: ChatRequest) -> Plan:
    """The plan, with the highest price of any attempt for each kind of token."""
    prompt = completion = audio = Decimal(0)
    for_an_hour = any(one.endpoint.prices.input_cache_write_1h for one in attempts) and request.caches_for_an_hour()
    for attempt in attempts:
        for prices in (attempt.endpoint.prices, *(tier.prices for tier in attempt.endpoint.tiers)):
            prompt = max(prompt, prices.prompt, prices.input_cache_write or Decimal(0))
            if for_an_hour:
                prompt = max(prompt, prices.input_cache_write_1h or Decimal(0))
            audio = max(audio, prices.audio or Decimal(0))
            completion = max(completion, prices.completion, prices.internal_reasoning or Decimal(0))
            if prices.image_output and request.output_modalities != {"text"}:
                completion = max(completion, prices.image_output / MIN_IMAGE_TOKENS)
    return Plan(
        requested_model=requested,
        strategy=strategy,
        attempts=tuple(attempts),
        considered=considered,
        prompt_price=prompt,
        file_price=max(prompt, audio),
        completion_price=completion,
        request_price=max(attempt.endpoint.prices.request for attempt in attempts),
        image_price=max(attempt.endpoint.prices.image for attempt in attempts),
        max_output_tokens=max(
            attempt.endpoint.max_completion_tokens or attempt.endpoint.context_length for attempt in attempts
        ),
    )
