"""The rules of a guardrail: its lists of models and providers, and its data policy. Pure."""

from collections.abc import Callable, Container
from functools import lru_cache

from guardrails.lookup import Restrictions
from guardrails.rules import AUTHOR_GROUPS
from models_catalog.catalog import EndpointEntry, ModelEntry

from .constraints import RoutingConstraints
from .model_names import ResolvedModel
from .rules import Reason, Rule, is_listed

__all__ = ["GUARDRAILS_PAGE", "allows_model", "rules_of"]

GUARDRAILS_PAGE = "/settings/guardrails"


def allows_model(restrictions: Restrictions, model: ModelEntry) -> bool:
    """Whether the guardrail's lists allow the model. A model's name stands for its variants (`:free`) as well."""
    allowed = restrictions.allowed_models
    return (allowed is None or _is_named(model, allowed)) and not _is_named(model, restrictions.ignored_models)


@lru_cache(maxsize=1000)
def rules_of(restrictions: Restrictions) -> tuple[Rule, ...]:
    """The rules of one guardrail, with reasons that name it."""

    def rule(code: str, words: str, excludes: Callable[[EndpointEntry, ModelEntry], bool], public_code: str) -> Rule:
        words = f"by the guardrail “{restrictions.name}” ({words})"

        def excluded(endpoint: EndpointEntry, resolved: ResolvedModel, _: RoutingConstraints) -> bool:
            return excludes(endpoint, resolved.model)

        return Rule(Reason(code, words, "guardrail", public_code, of_guardrail=True), "", excluded)

    rules = []
    if restrictions.allowed_models is not None or restrictions.ignored_models:
        rules.append(
            rule(
                "models",
                "model not allowed",
                lambda _, model: not allows_model(restrictions, model),
                "allowed_providers",
            )
        )
    if (allowed := restrictions.allowed_providers) is not None:
        rules.append(
            rule(
                "allowed_providers",
                "provider not allowed",
                lambda endpoint, _: not is_listed(endpoint, allowed),
                "allowed_providers",
            )
        )
    if ignored := restrictions.ignored_providers:
        rules.append(
            rule(
                "ignored_providers",
                "provider ignored",
                lambda endpoint, _: is_listed(endpoint, ignored),
                "allowed_providers",
            )
        )
    if restrictions.forbids_paid_training or restrictions.forbids_free_training:
        rules.append(
            rule("data_policy:training", "may train on prompts", _trains(restrictions), "data_policy:training")
        )
    if restrictions.forbids_free_publication:
        rules.append(
            rule(
                "data_policy:publication",
                "may publish prompts",
                lambda endpoint, model: endpoint.publishes and model.is_free,
                "data_policy:training",
            )
        )
    if groups := restrictions.zdr_groups:
        rules.append(
            rule(
                "data_policy:zdr",
                "zero data retention",
                lambda endpoint, model: not endpoint.keeps_nothing and _group_of(model) in groups,
                "data_policy:zdr",
            )
        )
    return tuple(rules)


def _trains(restrictions: Restrictions) -> Callable[[EndpointEntry, ModelEntry], bool]:
    def trains(endpoint: EndpointEntry, model: ModelEntry) -> bool:
        forbids = restrictions.forbids_free_training if model.is_free else restrictions.forbids_paid_training
        return forbids and endpoint.trains

    return trains


def _is_named(model: ModelEntry, names: Container[str]) -> bool:
    return model.id in names or model.id.partition(":")[0] in names


def _group_of(model: ModelEntry) -> str:
    return AUTHOR_GROUPS.get(model.author, "other")
