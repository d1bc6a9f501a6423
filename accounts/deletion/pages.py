"""The pages on which people delete their account, and the one that says it is done."""

from allauth.account.decorators import reauthentication_required
from django import forms
from django.contrib import auth
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from accounts.models import User
from accounts.sign_in import guessing
from common.web.http import AuthedRequest

from . import closing, losses


class ConfirmForm(forms.Form):
    """The address of the account, typed by its owner."""

    email = forms.CharField(
        label="Your email address",
        help_text="Type the primary email address of your account to confirm.",
        max_length=254,
        widget=forms.EmailInput({"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )

    def __init__(self, *args: object, user: User, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self._user = user

    def clean_email(self) -> str:
        typed = str(self.cleaned_data["email"]).strip()
        if typed.casefold() != self._user.email.casefold():
            raise forms.ValidationError("This isn't the primary email address of your account.")
        return typed


@login_required
@reauthentication_required
@never_cache
@require_http_methods(["GET", "POST"])
def delete(request: AuthedRequest) -> HttpResponse:
    """Say what is lost, and delete the account once its owner has typed its address."""
    user = User.objects.get(pk=request.user.pk)
    form = ConfirmForm(request.POST if request.method == "POST" else None, user=user)
    if request.method == "POST" and form.is_valid():
        email = user.email
        try:
            closing.close(user)
        except closing.Refused as refused:
            return _page(request, user, form, refused.reasons)
        guessing.clear(request, email)
        auth.logout(request)
        return redirect("accounts:deleted")
    return _page(request, user, form, closing.obstacles(user))


@require_GET
def deleted(request: HttpRequest) -> HttpResponse:
    """Say that the account is deleted."""
    return render(request, "accounts/deleted.html")


def _page(request: HttpRequest, user: User, form: ConfirmForm, obstacles: list[str]) -> HttpResponse:
    organisations = closing.closed_with(user)
    context = {
        "form": form,
        "obstacles": obstacles,
        "losses": losses.of(organisations),
        "closed": [each for each in organisations if each.personal_of_id != user.pk],
    }
    refused = bool(form.errors) or (request.method == "POST" and bool(obstacles))
    return render(request, "accounts/delete.html", context, status=422 if refused else 200)
