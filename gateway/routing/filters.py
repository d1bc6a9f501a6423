"""Which endpoints may not serve a request: a table of rules, from which the texts of refusals are made. Pure."""

from collections import Counter
from decimal import Decimal
from itertools import compress
from operator import attrgetter
from typing import Any

from django.conf import settings

from common.errors import ContextLengthExceeded, NoEndpoints, PermissionDenied
from common.naming.model_lists import is_listed as is_model_listed
from gateway.tokens import compression
from models_catalog.catalog import EndpointEntry
from models_catalog.reference.parameters import supports_all

from . import quality
from .availability import LISTS_PAGE, PRIVACY_PAGE, availability, page_of
from .constraints import RoutingConstraints
from .guardrails import GUARDRAILS_PAGE, rules_of
from .model_names import ResolvedModel
from .rules import Exclusion, Reason, Rule, is_listed

__all__ = ["NO_CREDENTIALS", "EndpointFilter", "Exclusion", "is_listed", "no_endpoints"]


def _may_train(endpoint: EndpointEntry, resolved: ResolvedModel, limits: RoutingConstraints) -> bool:
    policy, is_free = limits.policy, resolved.model.is_free
    return endpoint.trains and not (policy.allow_free_training if is_free else policy.allow_paid_training)


def _may_publish(endpoint: EndpointEntry, resolved: ResolvedModel, limits: RoutingConstraints) -> bool:
    return endpoint.publishes and not (resolved.model.is_free and limits.policy.allow_free_publication)


def _may_retain(endpoint: EndpointEntry, _: ResolvedModel, __: RoutingConstraints) -> bool:
    return not endpoint.keeps_nothing


def _is_not_curated(endpoint: EndpointEntry, resolved: ResolvedModel, _: RoutingConstraints) -> bool:
    return "exacto" in resolved.variants and not endpoint.is_exacto and quality.has_curated(resolved.model)


def _is_coarse(endpoint: EndpointEntry, resolved: ResolvedModel, _: RoutingConstraints) -> bool:
    # An operator's mark counts more than this rule.
    return "exacto" in resolved.variants and not endpoint.is_exacto and quality.is_coarse(endpoint, resolved.model)


def _is_too_expensive(endpoint: EndpointEntry, _: ResolvedModel, limits: RoutingConstraints) -> bool:
    for name, limit in limits.max_price.items():
        price: Decimal = getattr(endpoint.prices, name) or Decimal(0)
        if price * (1_000_000 if name in {"prompt", "completion", "audio"} else 1) > limit:
            return True
    return False


def _has_other_dimensions(endpoint: EndpointEntry, resolved: ResolvedModel, limits: RoutingConstraints) -> bool:
    return limits.dimensions != resolved.model.dimensions and "dimensions" not in endpoint.supported_parameters


def _is_prompt_too_long(endpoint: EndpointEntry, _: ResolvedModel, limits: RoutingConstraints) -> bool:
    context = endpoint.context_length
    if limits.prompt_tokens <= context:
        return False
    # A prompt that would lose more than half of its text is better sent to a longer context, or refused.
    return limits.prompt_tokens > 2 * context or not compression.is_enabled(limits.compress, context)


def _is_output_too_long(endpoint: EndpointEntry, _: ResolvedModel, limits: RoutingConstraints) -> bool:
    return (limits.max_tokens or 0) > (endpoint.max_completion_tokens or endpoint.context_length)


#: The site cannot call the provider. No rule says so: only the router knows.
NO_CREDENTIALS = Reason("providers", "without provider credentials on this site")

_NOT_ALLOWED = Reason("allowed_providers", "by your list of allowed providers", "provider.only")
_IGNORED = Reason("ignored_providers", "by your list of ignored providers", "provider.ignore", "allowed_providers")
_TRAINING = Reason("data_policy:training", "by your data policy (may train on prompts)", "data_policy")
_PUBLICATION = Reason(
    "data_policy:publication", "by your data policy (may publish prompts)", "data_policy", "data_policy:training"
)
_RETENTION = Reason("data_policy:zdr", "by your data policy (zero data retention)", "data_policy")
_MODEL_NOT_ALLOWED = Reason("allowed_models", "by your list of allowed models", "model", "allowed_providers")
_MODEL_IGNORED = Reason("ignored_models", "by your list of ignored models", "model", "allowed_providers")
_QUANTIZATION = Reason("quantization", "by quantizations", "provider.quantizations")
_PRICE = Reason("max_price", "by max_price", "provider.max_price")
_INPUT = Reason("input_modalities", "by input modality", "messages", "require_parameters")
_OUTPUT_KIND = Reason("output_modalities", "by output modality", "modalities", "require_parameters")
_CHOICES = Reason("n", "by n (too many choices for one response of the provider)", "n", "require_parameters")
_PARAMETERS = Reason("require_parameters", "by require_parameters", "provider.require_parameters")
_DIMENSIONS = Reason("dimensions", "by dimensions", "dimensions", "require_parameters")
_CONTEXT = Reason("context_length", "by context length", "messages")
_OUTPUT = Reason("max_tokens", "by max_tokens", "max_tokens", "context_length")
_DISTILLABLE = Reason(
    "distillable", "by enforce_distillable_text", "provider.enforce_distillable_text", "require_parameters"
)
_NOT_CURATED = Reason("exacto", "by :exacto (others are selected for it)", "model", "allowed_providers")
_COARSE = Reason("exacto", "by :exacto (quantization)", "model", "quantization")
_MODERATED = Reason("moderated", "by :beta (moderated)", "model", "require_parameters")

#: In this order: the first rule that excludes an endpoint gives the reason.
RULES = (
    Rule(
        _MODEL_NOT_ALLOWED,
        "policy.allowed_models",
        lambda _, resolved, limits: not is_model_listed(resolved.model.id, limits.policy.allowed_models),
    ),
    Rule(
        _MODEL_IGNORED,
        "policy.ignored_models",
        lambda _, resolved, limits: is_model_listed(resolved.model.id, limits.policy.ignored_models),
    ),
    Rule(
        _NOT_ALLOWED,
        "policy.allowed_providers",
        lambda endpoint, _, limits: not is_listed(endpoint, limits.policy.allowed_providers),
    ),
    Rule(_NOT_ALLOWED, "only", lambda endpoint, _, limits: not is_listed(endpoint, limits.only)),
    Rule(_IGNORED, "ignore", lambda endpoint, _, limits: is_listed(endpoint, limits.ignore)),
    Rule(_TRAINING, "", _may_train),
    Rule(_PUBLICATION, "", _may_publish),
    Rule(_TRAINING, "no_collection", _may_retain),
    Rule(_RETENTION, "no_retention", _may_retain),
    Rule(
        _QUANTIZATION,
        "quantizations",
        lambda endpoint, _, limits: endpoint.quantization not in limits.quantizations,
    ),
    Rule(_PRICE, "max_price", _is_too_expensive),
    Rule(
        _INPUT,
        "modalities",
        lambda _, resolved, limits: not limits.modalities.issubset(resolved.model.input_modalities),
    ),
    Rule(
        _OUTPUT_KIND,
        "output_modalities",
        lambda _, resolved, limits: not limits.output_modalities.issubset(resolved.model.output_modalities),
    ),
    Rule(_CHOICES, "several_choices", lambda endpoint, _, limits: endpoint.max_choices < limits.several_choices),
    Rule(
        _PARAMETERS,
        "required_parameters",
        lambda endpoint, _, limits: not supports_all(endpoint.supported_parameters, limits.required_parameters),
    ),
    Rule(_DIMENSIONS, "dimensions", _has_other_dimensions),
    Rule(_CONTEXT, "prompt_tokens", _is_prompt_too_long),
    Rule(_OUTPUT, "max_tokens", _is_output_too_long),
    Rule(_DISTILLABLE, "distillable", lambda _, resolved, __: not resolved.model.open_weights),
    Rule(_NOT_CURATED, "", _is_not_curated),
    Rule(_COARSE, "", _is_coarse),
    Rule(_MODERATED, "", lambda endpoint, resolved, _: "beta" in resolved.variants and endpoint.is_moderated),
)

#: The constraints that the rules need; a rule that needs none gets the policy, which is always there.
_needed = attrgetter(*(rule.constraint or "policy" for rule in RULES))


class EndpointFilter:
    """The rules, for one request. Those that need a constraint which the request does not set are left out once."""

    __slots__ = ("_constraints", "_rules")

    def __init__(self, constraints: RoutingConstraints) -> None:
        self._constraints = constraints
        self._rules = tuple(compress(RULES, _needed(constraints)))
        for restrictions in constraints.policy.guardrails:
            self._rules = rules_of(restrictions) + self._rules

    def reason_to_exclude(self, endpoint: EndpointEntry, resolved: ResolvedModel) -> Reason | None:
        """The first reason why the endpoint of the model may not serve the request; None when it may."""
        constraints = self._constraints
        for reason, _, excludes in self._rules:
            if excludes(endpoint, resolved, constraints):
                return reason
        return None


def no_endpoints(
    requested: str,
    resolved: list[ResolvedModel],
    exclusions: Counter[Exclusion],
    *,
    considered: int,
    prompt_tokens: int,
    place: str = "",
) -> NoEndpoints | ContextLengthExceeded | PermissionDenied:
    """The error for a request that no endpoint may or can serve. Its message counts the exclusions by reason.

    It is PermissionDenied where the lists of guardrails alone are in the way. `place` is where the longest part of a
    prompt stands that is read in parts.
    """
    counts: Counter[Reason] = Counter()
    for exclusion, count in exclusions.items():
        counts[exclusion.reason] += count
    reasons = [reason for reason, _ in counts.most_common()]
    if reasons == [_CONTEXT]:
        return _too_long(requested, max(one.model.context_length for one in resolved), prompt_tokens, place)
    message = f"No endpoint of {requested} can serve this request. {considered} {_endpoints(considered)} considered."
    if reasons:
        message += " Excluded: " + ", ".join(f"{counts[reason]} {reason.words}" for reason in reasons) + "."
    if counts.total() < considered:  # the only way for an endpoint not to be tried that is not excluded
        message += f" `provider.order` lists none of {'the others' if reasons else 'them'}."
    by_request = [reason for reason in reasons if reason is not NO_CREDENTIALS]
    if any(reason.of_guardrail for reason in by_request):
        message += f" An admin can change the guardrail at {settings.SITE_URL}{GUARDRAILS_PAGE}."
        if not any(reason.is_data_policy or not reason.of_guardrail for reason in by_request):
            return PermissionDenied(message)
    if any(reason.is_data_policy and not reason.of_guardrail for reason in by_request):
        message += f" Adjust your data policy at {settings.SITE_URL}{PRIVACY_PAGE}."
    if {_MODEL_NOT_ALLOWED, _MODEL_IGNORED} & counts.keys():
        message += f" Edit your lists at {settings.SITE_URL}{LISTS_PAGE}."
    models = [one.model.id for one in resolved]
    providers = sorted({exclusion.provider_name for exclusion in exclusions})
    if not by_request:
        told = availability("no_endpoints", models, page_of(models), affected_providers=providers)
        return NoEndpoints(message, availability=told)
    private = all(reason.is_data_policy for reason in by_request)
    private_page = GUARDRAILS_PAGE if all(reason.of_guardrail for reason in by_request) else PRIVACY_PAGE
    first = by_request[0]
    constraint: dict[str, Any] = {
        "field": first.field,
        "detail": f"{counts[first]} of {considered} {_endpoints(considered)} excluded {first.words}.",
    }
    return NoEndpoints(
        message,
        availability=availability(
            "privacy_restricted" if private else "constraint_filtered",
            models,
            private_page if private else page_of(models),
            affected_providers=providers,
            excluded_by=sorted({reason.public_code or reason.code for reason in by_request}),
            constraint=constraint,
        ),
    )


def _too_long(requested: str, longest: int, prompt_tokens: int, place: str) -> ContextLengthExceeded:
    if place:
        return ContextLengthExceeded(
            f"The input at `{place}` has about {prompt_tokens} tokens, and {requested} takes at most {longest}. "
            "Shorten it or split it."
        )
    return ContextLengthExceeded(
        f"The prompt has about {prompt_tokens} tokens, but the context of {requested} is {longest} tokens. "
        'Shorten it or send "transforms": ["middle-out"].'
    )


def _endpoints(count: int) -> str:
    return "endpoint" if count == 1 else "endpoints"
