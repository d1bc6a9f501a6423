"""Request types, so that views are type-checked."""

from typing import TYPE_CHECKING

from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

if TYPE_CHECKING:
    from accounts.models import User  # for types only: `common` imports no app at run time

__all__ = ["AuthedRequest", "PageRequest"]


class PageRequest(HttpRequest):
    """Any request to a page."""

    htmx: HtmxDetails
    csp_nonce: str


class AuthedRequest(PageRequest):
    """A request behind `login_required`."""

    user: "User"
