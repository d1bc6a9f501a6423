"""The reach of a reader of the catalog: operators also see models that lack a provider's key."""

from django.conf import settings

from common.web.http import PageRequest
from models_catalog import catalog
from models_catalog.entries import Catalogue

__all__ = ["is_operator", "shown_to"]


def is_operator(request: PageRequest) -> bool:
    """Return whether the reader may enter the admin."""
    return bool(getattr(request.user, "is_staff", False))


def shown_to(request: PageRequest) -> Catalogue:
    """Return the catalog as this user may see it: what is offered; for operators also what lacks a provider's key."""
    catalogue = catalog.current()
    return catalogue.complete if is_operator(request) or settings.SHOW_UNAVAILABLE_MODELS else catalogue
