"""The restrictions of a guardrail as routing reads them. Pure."""

import msgspec

from common.naming.model_lists import is_listed

from .models import Guardrail

__all__ = ["AUTHOR_GROUPS", "ZDR_GROUPS", "Restrictions", "restrictions_of"]

#: The groups of models that zero data retention is demanded for, in the order of the API's fields.
ZDR_GROUPS = ("anthropic", "openai", "google", "xai", "other")
#: The group of a model by its author; all others are in "other".
AUTHOR_GROUPS = {"anthropic": "anthropic", "openai": "openai", "google": "google", "x-ai": "xai"}


class Restrictions(msgspec.Struct, frozen=True, kw_only=True):
    """The restrictions of one guardrail. None allows everything; names are in lower case."""

    name: str
    allowed_models: frozenset[str] | None = None
    ignored_models: frozenset[str] = frozenset()
    allowed_providers: frozenset[str] | None = None
    ignored_providers: frozenset[str] = frozenset()
    zdr_groups: frozenset[str] = frozenset()
    forbids_paid_training: bool = False
    forbids_free_training: bool = False
    forbids_free_publication: bool = False

    def allows_model(self, model_id: str) -> bool:
        """Return whether the lists of models allow this one. A model's ID stands for its variants (`:free`) as well."""
        if is_listed(model_id, self.ignored_models, with_variants=True):
            return False
        return self.allowed_models is None or is_listed(model_id, self.allowed_models, with_variants=True)


def restrictions_of(guardrail: Guardrail) -> Restrictions:
    """Return the guardrail's restrictions."""
    return Restrictions(
        name=guardrail.name,
        allowed_models=_names(guardrail.allowed_models),
        ignored_models=_names(guardrail.ignored_models) or frozenset(),
        allowed_providers=_names(guardrail.allowed_providers),
        ignored_providers=_names(guardrail.ignored_providers) or frozenset(),
        zdr_groups=frozenset(group for group in ZDR_GROUPS if getattr(guardrail, f"enforce_zdr_{group}")),
        forbids_paid_training=guardrail.enable_paid_model_training is False,
        forbids_free_training=guardrail.enable_free_model_training is False,
        forbids_free_publication=guardrail.enable_free_model_publication is False,
    )


def _names(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(name.lower() for name in names)
