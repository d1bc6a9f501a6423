"""The settings pages about the user: their name, and how they sign in."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts import access
from accounts.models import User
from common.naming.names import clean_name
from common.web.http import AuthedRequest

from . import protection


class ProfileForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """The user's name, which may be empty."""

    class Meta:
        model = User
        fields = ("name",)
        help_texts = {"name": "Shown to members of your organizations."}  # noqa: RUF012
        widgets = {"name": forms.TextInput({"autocomplete": "name"})}  # noqa: RUF012

    def clean_name(self) -> str:
        return clean_name(self.cleaned_data["name"])


@login_required
@require_http_methods(["GET", "POST"])
def profile(request: AuthedRequest) -> HttpResponse:
    """Show and save the user's name. Their personal organization bears the same."""
    user = User.objects.get(pk=request.user.pk)  # apart from the one that the page shows
    form = ProfileForm(request.POST if request.method == "POST" else None, instance=user)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            user.save(update_fields=["name"])
            personal = access.open_personal_organisation(user)
            personal.name = access.personal_name(user)
            personal.save(update_fields=["name"])
        messages.success(request, "Profile saved.")
        return redirect("accounts:profile")
    addresses = user.emailaddress_set.order_by("-primary", "email")
    context = {"form": form, "addresses": addresses}
    return render(request, "accounts/profile.html", context, status=422 if form.errors else 200)


@login_required
@require_GET
def security(request: AuthedRequest) -> HttpResponse:
    """The ways to sign in, and where the user is signed in."""
    return render(request, "accounts/security.html", {"protection": protection.of(request)})
