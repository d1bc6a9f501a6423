"""`error.availability`: why nobody answers, for programs to act upon, with a page of this site to read on."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings

__all__ = ["MODELS_PAGE", "PRIVACY_PAGE", "availability", "page_of"]

MODELS_PAGE = "/models"
PRIVACY_PAGE = "/settings/privacy"

#: What may be different in a moment. The others are: model_not_found, no_endpoints, free_variant_ended,
#: model_unavailable_upstream, privacy_restricted, constraint_filtered.
_RETRYABLE = frozenset({"capacity_exhausted", "temporarily_unavailable"})


def availability(code: str, requested_models: Iterable[str], page: str, **details: Any) -> dict[str, Any]:
    """The object for one code. Details that are empty are left out, except when to come back: null is "not known".

    `page` is a path on this site.
    """
    retry_after = {"retry_after": details.pop("retry_after", None)} if code in _RETRYABLE else {}
    return {
        "code": code,
        "retryable": code in _RETRYABLE,
        **retry_after,
        "requested_models": list(dict.fromkeys(requested_models)),
        **{name: value for name, value in details.items() if value},
        "docs_url": f"{settings.SITE_URL}{page}",
    }


def page_of(model_ids: Iterable[str]) -> str:
    """The page of the first of these models, which are in the catalogue; that of all models when there is none."""
    return f"/{next(iter(model_ids), MODELS_PAGE[1:])}"
