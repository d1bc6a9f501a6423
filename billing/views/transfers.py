"""The page on which an admin of organizations moves personal credits to one of them."""

import secrets
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts import access
from accounts.models import Membership, Organisation
from billing import spending
from billing.credits import transfers
from common.money import cents_down, format_cents, pico_from_cents
from common.web.http import AuthedRequest

from .forms import DollarsField

__all__ = ["move_credits"]


class MoveForm(forms.Form):
    """An amount, an organization of which the user is an admin, and a token that makes resubmitting harmless."""

    organization = forms.ChoiceField(label="To organization")
    amount = DollarsField("Amount", "", "In US dollars.")
    token = forms.CharField(widget=forms.HiddenInput, min_length=16, max_length=60)

    def __init__(self, choices: list[Organisation], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        field = self.fields["organization"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(each.public_id, each.name) for each in choices]


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def move_credits(request: AuthedRequest) -> HttpResponse:
    """The form; posted, the credits are moved from the user's personal account, whichever account is chosen."""
    personal = spending.account_of(access.open_personal_organisation(request.user))
    managed = Organisation.objects.filter(
        personal_of=None, memberships__user=request.user, memberships__role=Membership.Role.ADMIN
    )
    choices = list(managed.order_by("name", "pk"))
    initial = {"organization": access.for_member(request).public_id, "token": secrets.token_urlsafe(24), "amount": ""}
    form = MoveForm(choices, request.POST or None, initial=initial)
    if form.is_valid():
        target = next(each for each in choices if each.public_id == form.cleaned_data["organization"])
        cents = form.cleaned_data["amount"]
        reference = f"{request.user.pk}:{form.cleaned_data['token']}"
        try:
            transfers.move(personal, spending.account_of(target), pico_from_cents(cents), reference=reference)
        except (transfers.NotMovable, ValueError) as refusal:
            form.add_error("amount", str(refusal))
        else:
            messages.success(request, f"{format_cents(cents)} in credits moved to {target.name}.")
            access.switch_to(request, target)
            return redirect("billing:credits")
    movable = cents_down(transfers.movable(personal))
    context = {"form": form, "choices": choices, "movable": movable, "personal": personal}
    return render(request, "billing/move_credits.html", context, status=422 if form.errors else 200)
