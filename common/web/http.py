"""Request types, so that views are type-checked, and the security headers of answers that Django does not give."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

if TYPE_CHECKING:
    from accounts.models import User  # for types only: `common` imports no app at run time

__all__ = ["AuthedRequest", "PageRequest", "security_headers"]


class PageRequest(HttpRequest):
    """Any request to a page."""

    htmx: HtmxDetails
    csp_nonce: str


class AuthedRequest(PageRequest):
    """A request behind `login_required`."""

    user: "User"


def security_headers() -> dict[str, str]:
    """Return the headers that Django's middleware adds to its own answers, by the same settings."""
    headers = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": str(settings.X_FRAME_OPTIONS),
        "Referrer-Policy": str(settings.SECURE_REFERRER_POLICY),
    }
    if seconds := settings.SECURE_HSTS_SECONDS:
        subdomains = "; includeSubDomains" if settings.SECURE_HSTS_INCLUDE_SUBDOMAINS else ""
        preload = "; preload" if settings.SECURE_HSTS_PRELOAD else ""
        headers["Strict-Transport-Security"] = f"max-age={seconds}{subdomains}{preload}"
    return headers
