"""Typed requests, so that every view is checked."""

from typing import TYPE_CHECKING

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

if TYPE_CHECKING:
    from accounts.models import User  # types only: this module imports no app when it runs

__all__ = ["AuthedRequest", "PageRequest"]


class PageRequest(HttpRequest):
    """Any request to a page."""

    htmx: HtmxDetails
    csp_nonce: str


class AuthedRequest(PageRequest):
    """A request behind `login_required`."""

    user: "User"
