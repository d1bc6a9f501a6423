"""Pages of saved views. A member sees their own and those that are shared; what they may not see is a 404."""

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_http_methods

from accounts import access
from accounts.models import Organisation
from activity.models import SavedView
from common.errors import ApiError, Conflict
from common.web.http import AuthedRequest

from . import saving
from .forms import SavedViewForm


@login_required
@require_GET
def saved_views(request: AuthedRequest) -> HttpResponse:
    """The list of the views that the member may open."""
    organisation = access.for_member(request)
    may_edit = set(saving.editable(request.user, organisation).values_list("pk", flat=True))
    rows = [(view, view.pk in may_edit) for view in saving.visible(request.user, organisation.pk)]
    return render(request, "activity/saved_views.html", {"rows": rows})


@login_required
@require_GET
def open_view(request: AuthedRequest, view_id: str) -> HttpResponse:
    """Redirect to the page of a view."""
    view = get_object_or_404(saving.visible(request.user, access.for_member(request).pk), public_id=view_id)
    address, notice = saving.address_of(view)
    if notice:
        messages.warning(request, notice)
    return redirect(address)


@login_required
@require_http_methods(["GET", "POST"])
def save_view(request: AuthedRequest) -> HttpResponse:
    """The form that saves the view `query` of `page` under a name; `replace` overwrites the one with that name."""
    organisation = access.for_member(request)
    given = request.POST if request.method == "POST" else request.GET
    page, query = given.get("page", ""), given.get("query", "").removeprefix("?")
    if page not in SavedView.Page.values:
        raise Http404("No such page.")
    form = SavedViewForm(request.POST or None, can_share=_can_share(organisation))
    context = {"form": form, "page": page, "page_label": SavedView.Page(page).label, "query": query}
    try:
        context["query"] = query = saving.normalized(page, query, organisation, request.user)
        if form.is_valid():
            view = SavedView(page=page, query=query, **form.cleaned_data)
            view = saving.save(request.user, organisation, view, replace="replace" in request.POST)
            messages.success(request, f"Saved the view “{view.name}”.")
            return redirect(saving.address_of(view)[0])
    except Conflict as error:
        form.add_error("name", error.message)
        context["may_replace"] = True
    except ApiError as error:
        context["refusal"] = error.message
    return render(request, "activity/save_view.html", context, status=422 if request.method == "POST" else 200)


@login_required
@require_http_methods(["GET", "POST"])
def edit_view(request: AuthedRequest, view_id: str) -> HttpResponse:
    """The form to rename a view, and to share it or not."""
    organisation = access.for_member(request)
    view = get_object_or_404(saving.editable(request.user, organisation), public_id=view_id)
    initial = {"name": view.name, "shared": view.shared}
    form = SavedViewForm(request.POST or None, initial=initial, can_share=view.shared or _can_share(organisation))
    if form.is_valid():
        try:
            saving.rename(view, form.cleaned_data["name"], shared=form.cleaned_data.get("shared", False))
        except Conflict as error:
            form.add_error("name", error.message)
        else:
            messages.success(request, f"Saved the view “{view.name}”.")
            return redirect("activity:saved-views")
    status = 422 if request.method == "POST" else 200
    return render(request, "activity/edit_view.html", {"form": form, "view": view}, status=status)


@login_required
@require_http_methods(["GET", "POST"])
def delete_view(request: AuthedRequest, view_id: str) -> HttpResponse:
    """The confirmation page; posted, the view is deleted."""
    view = get_object_or_404(saving.editable(request.user, access.for_member(request)), public_id=view_id)
    if request.method == "GET":
        return render(request, "activity/delete_view.html", {"view": view})
    view.delete()
    messages.success(request, f"Deleted the view “{view.name}”.")
    return redirect("activity:saved-views")


def _can_share(organisation: Organisation) -> bool:
    return organisation.personal_of_id is None or organisation.memberships.count() > 1
