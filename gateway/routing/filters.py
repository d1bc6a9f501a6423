"""Which endpoints may not serve a request: a table of rules, from which the texts of refusals are made. Pure."""

from collections import Counter
from collections.abc import Callable, Container, Sequence
from decimal import Decimal
from itertools import compress
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
from django.conf import settings

from common.errors import ContextLengthExceeded, NoEndpoints
from gateway.tokens import compression
from models_catalog.catalog import EndpointEntry
from models_catalog.parameters import supports_all

from .availability import PRIVACY_PAGE, availability, page_of
from .constraints import Wishes
from .model_names import Named

__all__ = ["NO_CREDENTIALS", "Exclusion", "Rule", "applicable_rules", "is_listed", "reason_to_exclude", "refusal_of"]

#: Weights rounded this far are not what `:exacto` promises.
_COARSE = frozenset({"int4", "fp4", "mxfp4", "nvfp4", "fp6"})


class Reason(msgspec.Struct, frozen=True, eq=False):
    """Why an endpoint is excluded. Two reasons are the same only if they are one object: they are counted often."""

    code: str
    words: str  # follow a number of endpoints
    field: str = ""  # what to change in the request
    public_code: str = ""  # in `error.availability.excluded_by`, which has ten codes; empty: `code` is one of them

    @property
    def is_data_policy(self) -> bool:
        return self.code.startswith("data_policy")


class Rule(NamedTuple):
    """A reason to exclude endpoints."""

    reason: Reason
    constraint: str  # the attribute of Wishes without which the rule excludes nothing; empty: it always may
    excludes: Callable[[EndpointEntry, Named, Wishes], bool]


class Exclusion(NamedTuple):
    """Why an endpoint may not or cannot serve a request, and whose it is."""

    reason: Reason
    provider_name: str


def is_listed(endpoint: EndpointEntry, names: Container[str]) -> bool:
    """Whether one of the names, in lower case, is the endpoint's: its provider's slug, its tag, its provider's name."""
    return endpoint.provider in names or endpoint.tag.lower() in names or endpoint.provider_name.lower() in names


def _may_train(endpoint: EndpointEntry, named: Named, wishes: Wishes) -> bool:
    policy = wishes.policy
    return endpoint.trains and not (policy.allow_free_training if named.model.is_free else policy.allow_paid_training)


def _may_publish(endpoint: EndpointEntry, named: Named, wishes: Wishes) -> bool:
    return endpoint.publishes and not (named.model.is_free and wishes.policy.allow_free_publication)


def _may_keep(endpoint: EndpointEntry, _: Named, __: Wishes) -> bool:
    return not endpoint.keeps_nothing


def _is_too_expensive(endpoint: EndpointEntry, _: Named, wishes: Wishes) -> bool:
    for name, limit in wishes.max_price.items():
        price: Decimal = getattr(endpoint.prices, name) or Decimal(0)
        if price * (1_000_000 if name in {"prompt", "completion", "audio"} else 1) > limit:
            return True
    return False


def _is_too_short(endpoint: EndpointEntry, _: Named, wishes: Wishes) -> bool:
    context = endpoint.context_length
    if wishes.prompt_tokens <= context:
        return False
    # A prompt that would lose more than half of itself is better sent to a longer context, or refused.
    return wishes.prompt_tokens > 2 * context or not compression.is_wanted(wishes.compress, context)


#: The site cannot call the provider: found out without a rule.
NO_CREDENTIALS = Reason("providers", "without provider credentials on this site")

_ALLOWED = Reason("allowed_providers", "by your list of allowed providers", "provider.only")
_IGNORED = Reason("ignored_providers", "by your list of ignored providers", "provider.ignore", "allowed_providers")
_TRAINING = Reason("data_policy:training", "by your data policy (may train on prompts)", "data_policy")
_PUBLICATION = Reason(
    "data_policy:publication", "by your data policy (may publish prompts)", "data_policy", "data_policy:training"
)
_RETENTION = Reason("data_policy:zdr", "by your data policy (zero data retention)", "data_policy")
_QUANTIZATION = Reason("quantization", "by quantizations", "provider.quantizations")
_PRICE = Reason("max_price", "by max_price", "provider.max_price")
_MODALITIES = Reason("input_modalities", "by the kind of input", "messages", "require_parameters")
_PARAMETERS = Reason("require_parameters", "by require_parameters", "provider.require_parameters")
_CONTEXT = Reason("context_length", "by context length", "messages")
_OUTPUT = Reason("max_tokens", "by max_tokens", "max_tokens", "context_length")
_DISTILLABLE = Reason(
    "distillable", "by enforce_distillable_text", "provider.enforce_distillable_text", "require_parameters"
)
_EXACTO = Reason("exacto", "by :exacto", "model", "quantization")
_BETA = Reason("moderated", "by :beta", "model", "require_parameters")

#: The first rule that excludes an endpoint gives the reason.
RULES = (
    Rule(
        _ALLOWED,
        "policy.allowed_providers",
        lambda endpoint, named, wishes: not is_listed(endpoint, wishes.policy.allowed_providers),
    ),
    Rule(_ALLOWED, "only", lambda endpoint, named, wishes: not is_listed(endpoint, wishes.only)),
    Rule(_IGNORED, "ignore", lambda endpoint, named, wishes: is_listed(endpoint, wishes.ignore)),
    Rule(_TRAINING, "", _may_train),
    Rule(_PUBLICATION, "", _may_publish),
    Rule(_TRAINING, "no_collection", _may_keep),
    Rule(_RETENTION, "no_retention", _may_keep),
    Rule(
        _QUANTIZATION,
        "quantizations",
        lambda endpoint, named, wishes: endpoint.quantization not in wishes.quantizations,
    ),
    Rule(_PRICE, "max_price", _is_too_expensive),
    Rule(
        _MODALITIES,
        "modalities",
        lambda endpoint, named, wishes: not wishes.modalities.issubset(named.model.input_modalities),
    ),
    Rule(
        _PARAMETERS,
        "required",
        lambda endpoint, named, wishes: not supports_all(endpoint.supported_parameters, wishes.required),
    ),
    Rule(_CONTEXT, "prompt_tokens", _is_too_short),
    Rule(
        _OUTPUT,
        "max_tokens",
        lambda endpoint, named, wishes: wishes.max_tokens > (endpoint.max_completion_tokens or endpoint.context_length),
    ),
    Rule(_DISTILLABLE, "distillable", lambda endpoint, named, wishes: not named.model.open_weights),
    Rule(
        _EXACTO,
        "",
        lambda endpoint, named, wishes: "exacto" in named.variants and endpoint.quantization in _COARSE,
    ),
    Rule(_BETA, "", lambda endpoint, named, wishes: "beta" in named.variants and endpoint.is_moderated),
)


#: The values that turn the rules on; the policy, which is always there, for those that need none.
_switches = attrgetter(*(rule.constraint or "policy" for rule in RULES))


def applicable_rules(wishes: Wishes) -> list[Rule]:
    """The rules that may exclude an endpoint from this request, in order."""
    return list(compress(RULES, _switches(wishes)))


def reason_to_exclude(endpoint: EndpointEntry, named: Named, wishes: Wishes, rules: Sequence[Rule]) -> Reason | None:
    """The first reason why the endpoint may not serve the request, by the applicable rules; None when it may."""
    for reason, _, excludes in rules:
        if excludes(endpoint, named, wishes):
            return reason
    return None


def refusal_of(
    requested: str, named: list[Named], exclusions: Counter[Exclusion], prompt_tokens: int
) -> NoEndpoints | ContextLengthExceeded:
    """The error for a request that no endpoint may or can serve; its message counts what was excluded, and why."""
    counts: Counter[Reason] = Counter()
    for exclusion, count in exclusions.items():
        counts[exclusion.reason] += count
    reasons = [reason for reason, _ in counts.most_common()]
    if [reason.code for reason in reasons] == ["context_length"]:
        longest = max(one.model.context_length for one in named)
        return ContextLengthExceeded(
            f"The prompt has about {prompt_tokens} tokens; the context of {requested} is {longest}. Shorten it, or "
            'send "transforms": ["middle-out"].'
        )
    considered = sum(len(one.model.endpoints) for one in named)
    why = ", ".join(f"{counts[reason]} {reason.words}" for reason in reasons) or "none usable"
    message = f"No endpoint of {requested} can serve this request. {considered} endpoints: {why}."
    chosen = [reason for reason in reasons if reason is not NO_CREDENTIALS]
    if any(reason.is_data_policy for reason in chosen):
        message += f" Adjust your data policy at {settings.SITE_URL}{PRIVACY_PAGE}."
    models = [one.model.id for one in named]
    details: dict[str, Any] = {"affected_providers": sorted({one.provider_name for one in exclusions})}
    if not chosen:
        return NoEndpoints(message, availability=availability("no_endpoints", models, page_of(models), **details))
    private = all(reason.is_data_policy for reason in chosen)
    return NoEndpoints(
        message,
        availability=availability(
            "privacy_restricted" if private else "constraint_filtered",
            models,
            PRIVACY_PAGE if private else page_of(models),
            **details,
            excluded_by=sorted({reason.public_code or reason.code for reason in chosen}),
            constraint={
                "field": chosen[0].field,
                "detail": f"{counts[chosen[0]]} of {considered} endpoints are excluded {chosen[0].words}.",
            },
        ),
    )
