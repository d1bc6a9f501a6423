"""The admin at /admin/: operators enter through the site's own sign-in, and in production with a second factor."""

from typing import Any

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache

from accounts.sign_in import second_factor

__all__ = ["OperatorAdmin"]


class OperatorAdmin(AdminSite):
    """The admin, without a password form of its own."""

    site_header = site_title = f"{settings.SITE_NAME} administration"

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and (
            not settings.ADMIN_REQUIRES_SECOND_FACTOR or second_factor.was_used(request)
        )

    @method_decorator(never_cache)
    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Send the user to the next step on the way into the admin; 403 for those who may never enter."""
        target = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(target, allowed_hosts=None):
            target = reverse("admin:index")
        if not request.user.is_authenticated:
            return redirect_to_login(target, reverse("account_login"))
        if not super().has_permission(request):
            return render(request, "403.html", {"staff_only": True}, status=403)
        if self.has_permission(request):
            return redirect(target)
        kinds = second_factor.kinds_of(request.user)
        if not kinds:
            return redirect("mfa_index")
        confirm = "mfa_reauthenticate" if "totp" in kinds else "mfa_reauthenticate_webauthn"
        return redirect_to_login(target, reverse(confirm))

    @method_decorator(never_cache)
    def logout(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Send the user to the site's own page for signing out."""
        return redirect("account_logout")

    def password_change(  # type: ignore[override]
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return redirect("account_change_password")
