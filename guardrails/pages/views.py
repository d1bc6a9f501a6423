"""Pages of guardrails, for the admins of an organization and for the owner of a personal account."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import access
from accounts.models import Organisation, User
from common.errors import ApiError
from common.web.http import AuthedRequest
from guardrails import saving
from guardrails.models import Assignment, Guardrail
from guardrails.rules import restrictions_of
from keys.models import ApiKey
from models_catalog import catalog

from .forms import GuardrailForm
from .summary import summary_of

PAGE_SIZE = 50
#: Keys that the page offers to assign to, newest first.
MAX_OFFERED = 500


@login_required
@require_GET
def guardrails(request: AuthedRequest) -> HttpResponse:
    """The list of guardrails, by name."""
    organisation = access.for_admin(request)
    live = Q(assignments__key__deleted_at=None)
    found = Guardrail.objects.of(organisation).annotate(
        keys=Count("assignments", filter=Q(assignments__user=None) & live),
        members=Count("assignments", filter=Q(assignments__key=None)),
    )
    page = Paginator(found.order_by("name", "pk"), PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [(guardrail, summary_of(guardrail)) for guardrail in page]
    return render(request, "guardrails/guardrails.html", {"page": page, "rows": rows})


@login_required
@require_http_methods(["GET", "POST"])
def create_guardrail(request: AuthedRequest) -> HttpResponse:
    """The form of a new guardrail."""
    organisation = access.for_admin(request)
    form = GuardrailForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            created = saving.create(organisation, **form.changes())
        except ApiError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, f"Created “{created.name}”. Assign it to keys or members.")
            return redirect("guardrails:guardrail", created.public_id)
    return _form(request, form)


@login_required
@require_GET
def guardrail(request: AuthedRequest, guardrail_id: UUID) -> HttpResponse:
    """The page of a guardrail: what it restricts, and the spend of each key and member against its budget."""
    return _page(request, _guardrail_of(request, guardrail_id))


@login_required
@require_http_methods(["GET", "POST"])
def edit_guardrail(request: AuthedRequest, guardrail_id: UUID) -> HttpResponse:
    """The form to edit a guardrail."""
    guardrail = _guardrail_of(request, guardrail_id)
    form = GuardrailForm(request.POST if request.method == "POST" else None, guardrail=guardrail)
    if form.is_valid():
        try:
            saved = saving.update(guardrail, **form.changes())
        except ApiError as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, f"Saved “{saved.name}”. It applies to the next request.")
            return redirect("guardrails:guardrail", saved.public_id)
    return _form(request, form, guardrail=guardrail)


@login_required
@require_POST
def assign_guardrail(request: AuthedRequest, guardrail_id: UUID) -> HttpResponse:
    """Assign the guardrail to the posted `key` (a hash) or `member` (an ID)."""
    guardrail = _guardrail_of(request, guardrail_id)
    organisation = guardrail.organisation
    key, member = request.POST.get("key", ""), request.POST.get("member", "")
    if not key and not member:
        return _page(request, guardrail, problem="Choose a key or a member.")
    try:
        keys = saving.keys_named(organisation, [key] if key else [])
        members = saving.members_named(organisation, [member] if member else [])
        saving.assign(guardrail, request.user, keys=keys, members=members)
    except ApiError:
        return _page(request, guardrail, problem="This key or member no longer exists. Choose another.")
    names = [each.name for each in keys] + [each.email for each in members]
    messages.success(request, f"“{guardrail.name}” applies to {' and '.join(names)}.")
    return redirect("guardrails:guardrail", guardrail.public_id)


@login_required
@require_POST
def unassign_guardrail(request: AuthedRequest, guardrail_id: UUID) -> HttpResponse:
    """Take the guardrail from the posted `key` or `member`. One that does not have it stays as it is."""
    guardrail = _guardrail_of(request, guardrail_id)
    organisation = guardrail.organisation
    key, member = request.POST.get("key", ""), request.POST.get("member", "")
    try:
        keys = saving.keys_named(organisation, [key] if key else [], or_deleted=True)
        members = saving.members_named(organisation, [member] if member else [])
        saving.unassign(guardrail, keys=keys, members=members)
    except ApiError:
        messages.error(request, "This key or member no longer exists.")
    else:
        messages.success(request, f"Removed from “{guardrail.name}”.")
    return redirect("guardrails:guardrail", guardrail.public_id)


@login_required
@require_http_methods(["GET", "POST"])
def delete_guardrail(request: AuthedRequest, guardrail_id: UUID) -> HttpResponse:
    """The confirmation page; posted, the guardrail is deleted."""
    guardrail = _guardrail_of(request, guardrail_id)
    if request.method == "GET":
        assigned = Assignment.objects.of(guardrail.organisation).filter(guardrail=guardrail).count()
        return render(request, "guardrails/delete.html", {"guardrail": guardrail, "assigned": assigned})
    saving.delete(guardrail)
    messages.success(request, f"Deleted “{guardrail.name}”.")
    return redirect("guardrails:guardrails")


def _page(request: AuthedRequest, guardrail: Guardrail, *, problem: str = "") -> HttpResponse:
    organisation = guardrail.organisation
    assigned = Assignment.objects.of(organisation).filter(guardrail=guardrail)
    rows = assigned.select_related("guardrail", "key", "user").order_by("key__name", "user__email", "pk")
    restrictions, models = restrictions_of(guardrail), catalog.current().models
    context = {
        "guardrail": guardrail,
        "allowed": sum(map(restrictions.allows_model, models)),
        "models": len(models),
        "summary": summary_of(guardrail),
        "page": Paginator(rows, PAGE_SIZE).get_page(request.GET.get("page")),
        "problem": problem,
        "other_keys": _other_keys(organisation, guardrail),
        "other_members": _other_members(organisation, guardrail),
    }
    return render(request, "guardrails/guardrail.html", context, status=422 if problem else 200)


def _other_keys(organisation: Organisation, guardrail: Guardrail) -> list[ApiKey]:
    keys = ApiKey.objects.of(organisation).for_inference().select_related("guardrail_assignment__guardrail")
    return list(keys.exclude(guardrail_assignment__guardrail=guardrail).order_by("-created_at", "-pk")[:MAX_OFFERED])


def _other_members(organisation: Organisation, guardrail: Guardrail) -> list[User]:
    mine = Assignment.objects.filter(guardrail=guardrail).exclude(user=None).values("user")
    return list(organisation.members.exclude(pk__in=mine).order_by("email"))


def _guardrail_of(request: AuthedRequest, guardrail_id: UUID) -> Guardrail:
    found = Guardrail.objects.of(access.for_admin(request)).select_related("organisation")
    return get_object_or_404(found, public_id=guardrail_id)


def _form(request: AuthedRequest, form: GuardrailForm, **context: Any) -> HttpResponse:
    context |= {"form": form, "catalogue": catalog.current()}
    return render(request, "guardrails/form.html", context, status=422 if form.is_bound else 200)
