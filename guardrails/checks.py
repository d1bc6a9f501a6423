"""Checks of a guardrail's fields, for pages and the API: names are cleaned, models and providers must exist."""

from collections.abc import Iterable
from typing import Any

from common.errors import InvalidRequest
from common.naming import model_lists
from common.naming.names import clean_name
from models_catalog import catalog
from models_catalog.catalog import Catalogue

from .models import Guardrail
from .rules import ZDR_GROUPS

__all__ = ["MAX_LISTED", "MODEL_LISTS", "PROVIDER_LISTS", "checked", "problem_with"]

#: Names on one list, at most.
MAX_LISTED = 1000
MODEL_LISTS = ("allowed_models", "ignored_models")
PROVIDER_LISTS = ("allowed_providers", "ignored_providers")


def checked(changes: dict[str, Any], guardrail: Guardrail | None = None) -> dict[str, Any]:
    """Return the fields to save, cleaned; `enforce_zdr` sets each group that is not given itself.

    Raises InvalidRequest, which names the field, for an empty name and for unknown models and providers.
    """
    changes = dict(changes)
    if "name" in changes:
        changes["name"] = clean_name(changes["name"])
        if not changes["name"]:
            raise InvalidRequest("name must have at least one visible character.")
    if "description" in changes:
        changes["description"] = _clean_text(changes["description"] or "")
    if "enforce_zdr" in changes:
        changes = {f"enforce_zdr_{group}": changes["enforce_zdr"] for group in ZDR_GROUPS} | changes
    known = catalog.current().complete
    for field in (*MODEL_LISTS, *PROVIDER_LISTS):
        if names := changes.get(field):
            changes[field] = names = list(dict.fromkeys(name.strip().lower() for name in names))
            if len(names) > MAX_LISTED:
                raise InvalidRequest(f"{field} may have at most {MAX_LISTED} entries.")
            if problem := problem_with(field, names, known, guardrail):
                raise InvalidRequest(f"{field}: {problem}")
    return changes


def problem_with(field: str, names: Iterable[str], known: Catalogue, guardrail: Guardrail | None = None) -> str:
    """Return what is wrong with the names of a list, in lower case, and the remedy; empty if nothing is.

    Names that the guardrail has already may stay: a model may leave the catalog.
    """
    kept = set(getattr(guardrail, field, None) or ())
    added = [name for name in names if name not in kept]
    if field in MODEL_LISTS:
        return model_lists.problem_with(added, known.lists)
    if not (unknown := _unknown_providers(added, known)):
        return ""
    shown = ", ".join(f"“{name[:100]}”" for name in unknown[:5])
    return f"Unknown provider slug: {shown}. The Providers page and GET /api/v1/providers list the slugs."


def _unknown_providers(names: Iterable[str], known: Catalogue) -> list[str]:
    """Return the names that are neither a provider's slug or name nor the tag of an endpoint."""
    slugs = {name for name in names if name not in known.providers}
    if not slugs:
        return []
    found = {provider.name.lower() for provider in known.providers.values()}
    found |= {endpoint.tag.lower() for model in known.models.values() for endpoint in model.endpoints}
    return [name for name in names if name in slugs - found]


def _clean_text(text: str) -> str:
    """Return a text of several lines, each cleaned as a name is."""
    return "\n".join(clean_name(line) for line in text.splitlines()).strip()
