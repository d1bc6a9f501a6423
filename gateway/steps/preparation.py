"""Preparing a request, before any money is held: the plan, the web search it asks for, and the bounds of its cost."""

import msgspec
from django.conf import settings

from common.errors import InvalidRequest, RateLimited
from common.money import PICO_PER_USD, PicoUsd
from gateway import web_search
from gateway.accounting.free_limits import count_free_request
from gateway.accounting.own_keys import OwnKeyBound
from gateway.accounting.rows import GenerationRow
from gateway.accounting.settlement import Admit
from gateway.callers import Caller
from gateway.protocols.chat_completions.body import Reasoning
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.routing.affinity import Conversation
from gateway.routing.health import Health
from gateway.routing.plan import Plan, RoutingContext, make_plan
from gateway.tokens.bounds import PromptEstimate, estimate_file_tokens
from gateway.tokens.parts import estimate_prompt
from keys.rules import rates
from models_catalog.catalog import Catalogue
from models_catalog.reference.parameters import always_reasons

__all__ = ["PreparedRequest", "prepare", "preview"]


class PreparedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request with its plan and an upper bound of its prompt, in tokens and images."""

    request: ChatRequest
    plan: Plan
    conversation: Conversation
    search: web_search.Search | None
    prompt_tokens: int  # with search results, and files at their likely size
    file_tokens: int  # of these, those of files
    oversize_tokens: int  # beyond that, if the files are as large as they can be
    images: int
    search_units: int = 1  # at most, for models with a price per search unit
    counted_tokens: int = 0  # that count toward the key's tokens per minute already

    @property
    def prompt_bound(self) -> int:
        """The most tokens that the prompt can have."""
        return self.prompt_tokens + self.oversize_tokens

    def admission(self, generation: GenerationRow) -> Admit:
        """The operation that holds credits for the request."""
        plan = self.plan.shared or self.plan
        search_cost = PicoUsd(self.search.max_cost if self.search else 0)
        return Admit(
            generation=generation,
            prompt_cost=PicoUsd(self._prompt_cost(plan) + search_cost),
            oversize_cost=self._oversize_cost(plan),
            token_price=plan.completion_price * self.request.choices,
            requested_tokens=self.request.max_tokens,
            model_max_tokens=plan.max_output_tokens,
            own=self._own_key_bound(self.plan.own) if self.plan.own else None,
            is_shared=self.plan.own is None or self.plan.shared is not None,
            search_cost=search_cost,
        )

    def _own_key_bound(self, plan: Plan) -> OwnKeyBound:
        return OwnKeyBound(
            prompt_cost=PicoUsd(self._prompt_cost(plan)),
            oversize_cost=self._oversize_cost(plan),
            token_price=plan.completion_price * self.request.choices,
            model_max_tokens=plan.max_output_tokens,
        )

    def _oversize_cost(self, plan: Plan) -> PicoUsd:
        return PicoUsd(int(plan.file_price * PICO_PER_USD * self.oversize_tokens))

    def _prompt_cost(self, plan: Plan) -> int:
        """The most that the prompt can cost, in pico-USD, rounded up."""
        usd = plan.prompt_price * (self.prompt_tokens - self.file_tokens) + plan.file_price * self.file_tokens
        usd += plan.image_price * self.images
        usd += plan.request_price * self.search_units
        return int(usd * PICO_PER_USD) + 1 if usd else 0


async def prepare(caller: Caller, request: ChatRequest, catalogue: Catalogue, health: Health) -> PreparedRequest:
    """Plan the request and bound its prompt.

    Raises ApiError: 400 and 404 when no endpoint may or can serve it, 403 when the key may not use its models, 429 when
    a limit per minute of the key is used up, or that of a free model and the plan has no paid model.
    """
    conversation = Conversation(caller.account_id, request)
    search = None
    if request.task == "chat":
        search = web_search.requested_search(request, caller.default_model or settings.DEFAULT_MODEL)
    estimate = estimate_prompt(request)
    found_tokens = search.max_prompt_tokens if search else 0
    plan = _plan(caller, request, catalogue, health, conversation, estimate, found_tokens)
    if caller.restrictions is not None:
        await rates.count_request(caller.restrictions, estimate.likely)
    plan = await _within_free_limits(plan, caller)
    if request.reasoning is not None and request.reasoning.effort == "none":
        request = _with_possible_effort(request, request.reasoning, plan)
    longest = max(attempt.endpoint.context_length for attempt in plan.attempts) * estimate.parts
    likely, bound = (0, 0) if request.has_texts_only else estimate_file_tokens(request.messages, longest)
    prompt_tokens = min(estimate.bound + found_tokens + likely, longest)
    return PreparedRequest(
        request=request,
        plan=plan,
        conversation=conversation,
        search=search,
        prompt_tokens=prompt_tokens,
        file_tokens=min(likely, prompt_tokens),
        oversize_tokens=min(estimate.bound + found_tokens + bound, longest) - prompt_tokens,
        images=estimate.images,
        search_units=estimate.search_units,
        counted_tokens=estimate.likely,
    )


def preview(caller: Caller, request: ChatRequest, catalogue: Catalogue, health: Health) -> Plan:
    """The plan that the request would get now. Nothing is counted, held or sent. Raises ApiError as planning does."""
    conversation = Conversation(caller.account_id, request)
    return _plan(caller, request, catalogue, health, conversation, estimate_prompt(request), 0)


def _plan(
    caller: Caller,
    request: ChatRequest,
    catalogue: Catalogue,
    health: Health,
    conversation: Conversation,
    estimate: PromptEstimate,
    found_tokens: int,
) -> Plan:
    """The plan of a request with at most `found_tokens` of search results."""
    context = RoutingContext(
        default_model=settings.DEFAULT_MODEL,
        auto_models=settings.AUTO_MODELS,
        health=health,
        prompt_tokens=(estimate.longest or estimate.likely) + found_tokens // 4,
        longest_part=estimate.longest_part,
        sticky_endpoint=conversation.sticky_endpoint,
        stable_draw=conversation.stable_draw(estimate.likely),
    )
    return make_plan(catalogue, request, caller, context)


def _with_possible_effort(request: ChatRequest, reasoning: Reasoning, plan: Plan) -> ChatRequest:
    """A request for no reasoning, with the least effort where an alias stands for a model that always reasons.

    Raises InvalidRequest for such a model that the request names itself.
    """
    if not all(always_reasons(attempt.model.id) for attempt in plan.attempts):
        return request
    if plan.strategy == "latest":
        return msgspec.structs.replace(request, reasoning=msgspec.structs.replace(reasoning, effort="minimal"))
    raise InvalidRequest(
        f'{plan.attempts[0].model.id} always reasons: its effort cannot be "none". Ask for "minimal" - '
        "at `$.reasoning.effort`"
    )


async def _within_free_limits(plan: Plan, caller: Caller) -> Plan:
    """The plan, without its free models once the account has reached their limits.

    A plan that may end at a free model counts as one free request. Raises RateLimited when no paid model is left.
    """
    if not any(attempt.model.has_free_limits for attempt in plan.attempts):
        return plan
    try:
        await count_free_request(caller)
    except RateLimited:
        if (paid := plan.without_free_models()) is None:
            raise
        return paid
    return plan
