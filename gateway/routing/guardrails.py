"""The rules of a guardrail: its lists of models and providers, and its data policy. Pure."""

from collections.abc import Callable
from functools import lru_cache, partial

from guardrails.lookup import Restrictions
from guardrails.rules import AUTHOR_GROUPS
from models_catalog.catalog import EndpointEntry

from .constraints import RoutingConstraints
from .model_names import ResolvedModel
from .rules import Reason, Rule, is_listed

__all__ = ["GUARDRAILS_PAGE", "rules_of"]

GUARDRAILS_PAGE = "/settings/guardrails"

#: Whether a guardrail excludes an endpoint of a model.
Excludes = Callable[[Restrictions, EndpointEntry, ResolvedModel, RoutingConstraints], bool]


@lru_cache(maxsize=1000)
def rules_of(restrictions: Restrictions) -> tuple[Rule, ...]:
    """The rules of one guardrail, with reasons that name it."""
    return tuple(
        Rule(
            Reason(code, f"by the guardrail “{restrictions.name}” ({words})", "guardrail", public, of_guardrail=True),
            "",
            partial(excludes, restrictions),
        )
        for code, words, public, applies, excludes in _RULES
        if applies(restrictions)
    )


def _is_other_model(limits: Restrictions, _: EndpointEntry, resolved: ResolvedModel, __: RoutingConstraints) -> bool:
    return not limits.allows_model(resolved.model.id)


def _is_not_allowed(limits: Restrictions, endpoint: EndpointEntry, _: ResolvedModel, __: RoutingConstraints) -> bool:
    return not is_listed(endpoint, limits.allowed_providers or ())


def _is_ignored(limits: Restrictions, endpoint: EndpointEntry, _: ResolvedModel, __: RoutingConstraints) -> bool:
    return is_listed(endpoint, limits.ignored_providers)


def _trains(limits: Restrictions, endpoint: EndpointEntry, resolved: ResolvedModel, _: RoutingConstraints) -> bool:
    return endpoint.trains and (
        limits.forbids_free_training if resolved.model.is_free else limits.forbids_paid_training
    )


def _publishes(_: Restrictions, endpoint: EndpointEntry, resolved: ResolvedModel, __: RoutingConstraints) -> bool:
    return endpoint.publishes and resolved.model.is_free


def _retains(limits: Restrictions, endpoint: EndpointEntry, resolved: ResolvedModel, _: RoutingConstraints) -> bool:
    return not endpoint.keeps_nothing and AUTHOR_GROUPS.get(resolved.model.author, "other") in limits.zdr_groups


#: The code of each reason, its words, its code in `error.availability`, which guardrails have it, and its rule.
_RULES: tuple[tuple[str, str, str, Callable[[Restrictions], object], Excludes], ...] = (
    (
        "allowed_models",
        "model not allowed",
        "allowed_providers",
        lambda limits: limits.allowed_models is not None or limits.ignored_models,
        _is_other_model,
    ),
    (
        "allowed_providers",
        "provider not allowed",
        "",
        lambda limits: limits.allowed_providers is not None,
        _is_not_allowed,
    ),
    (
        "ignored_providers",
        "provider ignored",
        "allowed_providers",
        lambda limits: limits.ignored_providers,
        _is_ignored,
    ),
    (
        "data_policy:training",
        "may train on prompts",
        "",
        lambda limits: limits.forbids_paid_training or limits.forbids_free_training,
        _trains,
    ),
    (
        "data_policy:publication",
        "may publish prompts",
        "data_policy:training",
        lambda limits: limits.forbids_free_publication,
        _publishes,
    ),
    ("data_policy:zdr", "zero data retention", "", lambda limits: limits.zdr_groups, _retains),
)
