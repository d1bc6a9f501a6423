"""The context of every template."""

from typing import Any

from django.conf import settings
from django.utils.functional import SimpleLazyObject

from accounts import access
from billing import spending
from common.web.http import PageRequest
from openrouter_site.browser_libraries import IMPORTS


def site(request: PageRequest) -> dict[str, Any]:
    """`site_name`, `version`, `csp_nonce`, `imports`, `sandboxed`.

    For a signed-in user also `organisations`, the chosen `organisation` and its `credit_account`.
    """
    context: dict[str, Any] = {
        "site_name": settings.SITE_NAME,
        "site_url": settings.SITE_URL,
        "support_email": settings.SUPPORT_EMAIL,
        "community_url": settings.COMMUNITY_URL,
        "version": settings.VERSION,
        "debug_site": settings.DEBUG,
        "theme": request.COOKIES.get("theme", "") if request.COOKIES.get("theme") in {"light", "dark"} else "",
        "csp_nonce": getattr(request, "csp_nonce", ""),
        "imports": IMPORTS,
        "sandboxed_payments": settings.STRIPE_IS_SANDBOX,
        "test_payments": settings.PAYMENTS_ARE_TESTS,
        "sandboxed_providers": bool(settings.SANDBOX_PROVIDERS_URL),
    }
    if getattr(request, "user", None) is not None and request.user.is_authenticated:
        # Lazy: the admin doesn't show it, and must not create an organization for an operator.
        organisations: Any = SimpleLazyObject(lambda: access.organisations_of(request.user))  # type: ignore[arg-type]
        organisation: Any = SimpleLazyObject(lambda: access.chosen_of(request, organisations))  # type: ignore[arg-type]
        context |= {"organisations": organisations, "organisation": organisation}
        context["credit_account"] = SimpleLazyObject(lambda: spending.account_of(organisation))
    return context
