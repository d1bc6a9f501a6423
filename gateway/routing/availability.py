"""`error.availability`: why no endpoint serves a request, for clients to act on, with a page of this site to read."""

from collections.abc import Iterable
from typing import Any

from django.conf import settings

__all__ = ["LISTS_PAGE", "MODELS_PAGE", "PRIVACY_PAGE", "availability", "page_of"]

MODELS_PAGE = "/models"
PRIVACY_PAGE = "/settings/privacy"
LISTS_PAGE = "/settings/privacy/lists"

#: Codes after which a retry may succeed. The others are: model_not_found, no_endpoints, free_variant_ended,
#: model_unavailable_upstream, privacy_restricted, constraint_filtered, wrong_endpoint.
_RETRYABLE = frozenset({"capacity_exhausted", "temporarily_unavailable"})


def availability(code: str, requested_models: Iterable[str], page: str, **details: Any) -> dict[str, Any]:
    """The object for one code. `page` is a path on this site.

    Empty details are left out, except `retry_after` (seconds) of a retryable code: there null means "unknown".
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
    """The page of the first of these models, which must be in the catalog; that of all models if there are none."""
    return f"/{next(iter(model_ids), MODELS_PAGE[1:])}"
