"""Settings → Organization: its name, members, and what ends them."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import access
from accounts.models import Membership, Organisation, User
from common.clock import utc_now
from common.web.http import AuthedRequest

from . import invitations, members
from .forms import DeleteForm, DepartureForm, InviteForm, LimitForm, NameForm, RoleForm
from .signals import Refused

__all__ = [
    "act",
    "create",
    "delete",
    "hand_over",
    "leave",
    "organisation",
    "organisation_page",
    "remove",
    "rename",
    "set_limit",
    "set_role",
    "switch",
]


@login_required
@require_GET
def organisation(request: AuthedRequest) -> HttpResponse:
    """The members of the chosen organization, or for a personal account the way to create one."""
    return organisation_page(request)


@login_required
@require_POST
def create(request: AuthedRequest) -> HttpResponse:
    """Create an organization and switch to it."""
    form = NameForm(request.POST)
    if not form.is_valid():
        return organisation_page(request, create_form=form)

    def create() -> str:
        created = members.create(request.user, form.cleaned_data["name"])
        access.switch_to(request, created)
        return f"{created.name} is created. Invite your team, then buy credits for it."

    return act(request, create)


@login_required
@require_POST
def switch(request: AuthedRequest) -> HttpResponse:
    """Switch to the organization whose ID is posted, and show the same page of it."""
    found = Organisation.objects.filter(memberships__user=request.user, public_id=request.POST.get("organization", ""))
    access.switch_to(request, get_object_or_404(found))
    target = request.POST.get("next", "")
    is_safe = target.startswith("/") and url_has_allowed_host_and_scheme(
        target, {request.get_host()}, require_https=request.is_secure()
    )
    return redirect(target if is_safe else "accounts:organization")


@login_required
@require_POST
def rename(request: AuthedRequest) -> HttpResponse:
    """Rename the organization."""
    current = access.for_admin(request)
    form = NameForm(request.POST)
    if not form.is_valid():
        return organisation_page(request, name_form=form)

    def rename() -> str:
        members.rename(current, request.user, form.cleaned_data["name"])
        return "Organization renamed."

    return act(request, rename)


@login_required
@require_POST
def set_role(request: AuthedRequest, user_id: str) -> HttpResponse:
    """Give a member the posted role."""
    current = access.for_admin(request)
    member = _member(current, user_id)
    form = RoleForm(request.POST)
    if not form.is_valid():
        return organisation_page(request, problem="Choose a role: admin or member.")

    def set_role() -> str:
        role = form.cleaned_data["role"]
        members.change_role(current, request.user, member, role)
        return f"{member.email} is now {'an admin' if role == Membership.Role.ADMIN else 'a member'}."

    return act(request, set_role)


@login_required
@require_http_methods(["GET", "POST"])
def set_limit(request: AuthedRequest, user_id: str) -> HttpResponse:
    """The form of a member's spend limit; posted, it is saved."""
    current = access.for_admin(request)
    member = _member(current, user_id)
    membership = members.membership_of(current, member)
    form = LimitForm(membership, request.POST if request.method == "POST" else None)
    if not form.is_valid():
        context = {"form": form, "member": member, "membership": membership}
        return render(request, "organisations/limit.html", context, status=422 if form.is_bound else 200)

    def set_limit() -> str:
        limit = form.cleaned_data["limit"]
        members.set_limit(current, request.user, member, limit, form.cleaned_data["reset"])
        return f"The spend limit of {member.email} is {'removed' if limit is None else 'saved'}."

    return act(request, set_limit)


@login_required
@require_http_methods(["GET", "POST"])
def hand_over(request: AuthedRequest, user_id: str) -> HttpResponse:
    """The confirmation page; posted, the member becomes an admin in place of the user."""
    current = access.for_admin(request)
    member = _member(current, user_id)
    if member == request.user:
        raise Http404
    if request.method == "GET":
        return render(request, "organisations/hand_over.html", {"member": member})

    def hand_over() -> str:
        members.hand_over(current, request.user, member)
        return f"{member.email} is now an admin, and you are a member."

    return act(request, hand_over)


@login_required
@require_http_methods(["GET", "POST"])
def remove(request: AuthedRequest, user_id: str) -> HttpResponse:
    """The confirmation page; posted, the member is removed."""
    current = access.for_admin(request)
    member = _member(current, user_id)
    if member == request.user:
        return redirect("accounts:leave-organization")

    def remove(heir: User | None) -> str:
        members.remove(current, request.user, member, heir)
        return f"{member.email} is removed."

    return _departure(request, current, member, remove)


@login_required
@require_http_methods(["GET", "POST"])
def leave(request: AuthedRequest) -> HttpResponse:
    """The confirmation page; posted, the user leaves the organization."""
    current = _shared(access.for_member(request))

    def leave(heir: User | None) -> str:
        members.leave(current, request.user, heir)
        return f"You left {current.name}."

    return _departure(request, current, request.user, leave)


@login_required
@require_http_methods(["GET", "POST"])
def delete(request: AuthedRequest) -> HttpResponse:
    """The page that says what is lost; posted with the organization's name, it is deleted."""
    current = _shared(access.for_admin(request))
    form = DeleteForm(current, request.POST or None)
    context = {"form": form, "members": current.memberships.count(), "keys": _keys(current).count()}
    if not form.is_valid():
        return render(request, "organisations/delete.html", context, status=422 if form.is_bound else 200)

    def delete() -> str:
        members.delete(current, request.user)
        return f"{current.name} is deleted."

    return act(request, delete)


def act(request: AuthedRequest, change: Callable[[], str]) -> HttpResponse:
    """Make the change and return to the organization's page: with its message, or 409 with the reason against it."""
    try:
        message = change()
    except Refused as refusal:
        return organisation_page(request, problem=str(refusal), status=409)
    messages.success(request, message)
    return redirect("accounts:organization")


def organisation_page(
    request: AuthedRequest,
    *,
    problem: str = "",
    status: int = 422,
    create_form: NameForm | None = None,
    name_form: NameForm | None = None,
    invite_form: InviteForm | None = None,
) -> HttpResponse:
    """Return the page of the chosen organization; with a refused form or a problem, it says so."""
    current = access.for_member(request)
    is_admin = access.is_admin(request.user, current)
    context: dict[str, Any] = {
        "current": current,
        "is_admin": is_admin,
        "problem": problem,
        "create_form": create_form or NameForm(),
        "own_organisations": access.organisations_of(request.user),
        "received": invitations.for_user(request.user),
    }
    if current.is_shared:
        found = current.memberships.select_related("user").order_by("role", "user__email")
        context["memberships"] = found
        context["roles"] = Membership.Role.choices
        if is_admin:
            context |= {
                "name_form": name_form or NameForm(instance=current),
                "invite_form": invite_form or InviteForm(),
                "invitations": invitations.open_invitations(current),
                "max_members": settings.ORGANISATION_MAX_MEMBERS,
                "now": utc_now(),
            }
    refused = problem or create_form or name_form or invite_form
    return render(request, "organisations/organisation.html", context, status=status if refused else 200)


def _departure(
    request: AuthedRequest, current: Organisation, leaver: User, depart: Callable[[User | None], str]
) -> HttpResponse:
    form = DepartureForm(current, leaver, request.POST or None)
    if form.is_valid():
        return act(request, lambda: depart(form.heir))
    own = _keys(current).filter(created_by=leaver)
    context = {"form": form, "member": leaver, "leaves": leaver == request.user, "keys": own.count()}
    return render(request, "organisations/departure.html", context, status=422 if form.is_bound else 200)


def _member(current: Organisation, user_id: str) -> User:
    """Return a member of the organization by their public ID. Raises Http404."""
    return get_object_or_404(_shared(current).members, public_id=user_id)


def _shared(current: Organisation) -> Organisation:
    """Return the organization. Raises Http404 for a personal account."""
    if not current.is_shared:
        raise Http404
    return current


def _keys(current: Organisation) -> Any:
    return current.api_keys.filter(deleted_at=None)
