"""Inviting by email, for admins, and the page on which an invitation is accepted."""

from allauth.core.internal import ratelimit
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts import access
from accounts.models import Invitation
from accounts.sign_in import guessing
from common.web.http import AuthedRequest

from . import invitations
from .forms import InviteForm
from .pages import act, organisation_page
from .signals import Refused

__all__ = ["accept", "invitation", "invite", "resend", "revoke"]


@login_required
@require_POST
def invite(request: AuthedRequest) -> HttpResponse:
    """Invite the posted address."""
    current = access.for_admin(request)
    form = InviteForm(request.POST)
    if not form.is_valid():
        return organisation_page(request, invite_form=form)

    def invite() -> str:
        email = form.cleaned_data["email"].lower()
        _limit_emails(request, email)
        invitations.invite(current, request.user, email, form.cleaned_data["role"])
        return f"We emailed an invitation to {email}."

    return act(request, invite)


@login_required
@require_POST
def resend(request: AuthedRequest, invitation_id: int) -> HttpResponse:
    """Send an invitation again, with a new link."""
    current = access.for_admin(request)

    def resend() -> str:
        invitation = invitations.resend(current, request.user, invitation_id)
        return f"We emailed a new link to {invitation.email}. Earlier links no longer work."

    return act(request, resend)


@login_required
@require_POST
def revoke(request: AuthedRequest, invitation_id: int) -> HttpResponse:
    """Revoke an invitation."""
    current = access.for_admin(request)

    def revoke() -> str:
        invitations.revoke(current, request.user, invitation_id)
        return "The invitation is revoked. Its link no longer works."

    return act(request, revoke)


@never_cache
@require_http_methods(["GET", "POST"])
def invitation(request: AuthedRequest, token: str) -> HttpResponse:
    """The page behind the link of an invitation; posted, the user accepts it. Others are asked to sign in or up."""
    found = invitations.find(token)
    if found is None:
        return render(request, "organisations/invitation.html", {"invitation": None}, status=404)
    signed_in = request.user.is_authenticated
    if request.method == "POST" and signed_in:
        return _accept(request, found)
    context = {
        "invitation": found,
        "is_invited": signed_in and invitations.is_invited(request.user, found),
        "must_verify": signed_in and request.user.emailaddress_set.filter(email__iexact=found.email).exists(),
        "back": urlencode({"next": request.path}),
    }
    return render(request, "organisations/invitation.html", context)


@login_required
@require_POST
def accept(request: AuthedRequest, invitation_id: int) -> HttpResponse:
    """Accept one of the invitations that the organization page lists."""
    found = next((each for each in invitations.for_user(request.user) if each.pk == invitation_id), None)
    if found is None:
        return organisation_page(
            request, problem="This invitation is no longer valid. Ask an admin for a new one.", status=409
        )
    return _accept(request, found)


def _accept(request: AuthedRequest, found: Invitation) -> HttpResponse:
    try:
        joined = invitations.accept(found, request.user)
    except Refused as refusal:
        return organisation_page(request, problem=str(refusal), status=409)
    access.switch_to(request, joined)
    messages.success(request, f"You joined {joined.name}. You can switch back in the account menu.")
    return redirect("accounts:organization")


def _limit_emails(request: AuthedRequest, email: str) -> None:
    if not ratelimit.consume(request, app=guessing.APP, action="unasked_mail", key=email.lower()):
        raise Refused(f"{email} got several emails in the last hour. Invite it later.")
