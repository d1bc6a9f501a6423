"""Pages of API keys. An admin sees all keys of the organization, a member their own."""

import secrets
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.cache import cache
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import access
from common.clock import utc_now
from common.errors import Conflict
from common.web.http import AuthedRequest

from . import authentication, issuing, samples
from .forms.keys import CreateKeyForm, CreateManagementKeyForm, EditKeyForm, RotateKeyForm
from .models import ApiKey
from .rules.status import KeyStatus

PAGE_SIZE = 50


@login_required
@require_GET
def keys(request: AuthedRequest) -> HttpResponse:
    """The list of API keys, newest first."""
    organisation = access.for_member(request)
    visible = ApiKey.objects.visible_to(request.user, organisation).filter(is_management=False)
    return _list(request, "keys/keys.html", visible, manages=access.is_admin(request.user, organisation))


@login_required
@require_GET
def management_keys(request: AuthedRequest) -> HttpResponse:
    """The list of management keys, for admins."""
    organisation = access.for_admin(request)
    management = ApiKey.objects.of(organisation).filter(is_management=True)
    return _list(request, "keys/management_keys.html", management, manages=True)


def _list(request: AuthedRequest, template: str, shown: QuerySet[ApiKey], *, manages: bool) -> HttpResponse:
    newest_first = shown.select_related("created_by").order_by("-created_at", "-pk")
    page = Paginator(newest_first, PAGE_SIZE).get_page(request.GET.get("page"))
    now = utc_now()
    rows = [(key, KeyStatus(key, now)) for key in page]
    return render(request, template, {"page": page, "rows": rows, "manages": manages})


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def create_key(request: AuthedRequest) -> HttpResponse:
    """The form of a new key; posted, its secret, shown once."""
    organisation = access.for_member(request)
    form = CreateKeyForm(request.POST or None, address=request.META["REMOTE_ADDR"])
    if not form.is_valid():
        return _form(request, "keys/create_key.html", form)
    if _posted_before(request):
        return redirect("keys:keys")
    chosen = {name: form.cleaned_data[name] for name in form.SETTINGS}
    created, secret = issuing.create(organisation, request.user, **chosen)
    return _show_secret(request, created, secret)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def create_management_key(request: AuthedRequest) -> HttpResponse:
    """Like `create_key`, for a management key. For admins."""
    organisation = access.for_admin(request)
    form = CreateManagementKeyForm(request.POST or None, address=request.META["REMOTE_ADDR"])
    if not form.is_valid():
        return _form(request, "keys/create_management_key.html", form)
    if _posted_before(request):
        return redirect("keys:management-keys")
    chosen = {name: form.cleaned_data[name] for name in ("name", "expires_at", "allowed_ips")}
    created, secret = issuing.create(organisation, request.user, is_management=True, **chosen)
    return _show_secret(request, created, secret)


@login_required
@require_GET
def key(request: AuthedRequest, key_hash: str) -> HttpResponse:
    """The page of a key: limit, usage, restrictions and code samples."""
    key, now = _visible_key(request, key_hash), utc_now()
    grace_ends = key.previous_hash_expires_at
    return render(
        request,
        "keys/key.html",
        {
            "key": key,
            "status": KeyStatus(key, now),
            "grace_ends": grace_ends if grace_ends and grace_ends > now else None,
            "samples": samples.for_key(key, f"{authentication.PREFIX}..."),
        },
    )


@login_required
@require_http_methods(["GET", "POST"])
def change_key(request: AuthedRequest, key_hash: str) -> HttpResponse:
    """The form to edit a key's name, limits, expiration and restrictions."""
    key = _visible_key(request, key_hash)
    form = EditKeyForm(key, request.POST or None, address=request.META["REMOTE_ADDR"])
    if not form.is_valid():
        came_from = request.POST.get("from") or request.GET.get("from", "key")
        return _form(request, "keys/change_key.html", form, key=key, came_from=came_from)
    issuing.update(key, by=request.user.pk, **form.changes())
    messages.success(request, f"Saved “{form.cleaned_data['name']}”.")
    return _back(request, key)


@login_required
@require_POST
def switch_key(request: AuthedRequest, key_hash: str) -> HttpResponse:
    """Disable or enable a key, as the posted `disabled` says."""
    key = _visible_key(request, key_hash)
    disabled = request.POST.get("disabled") == "on"
    issuing.update(key, by=request.user.pk, disabled=disabled)
    result = "disabled. Requests with it fail until you enable it." if disabled else "enabled."
    messages.success(request, f"“{key.name}” is {result}")
    return _back(request, key)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def rotate_key(request: AuthedRequest, key_hash: str) -> HttpResponse:
    """The form to rotate a key; posted, its new secret, shown once."""
    key = _visible_key(request, key_hash)
    form = RotateKeyForm(request.POST or None)
    if not form.is_valid():
        return render(request, "keys/rotate_key.html", {"key": key, "form": form}, status=422 if form.is_bound else 200)
    try:
        if key.hash != key_hash:  # the page was posted again
            raise Conflict("This key was already rotated. Its new secret was shown once.")
        key, secret = issuing.rotate(key, grace=form.grace_period, by=request.user.pk)
    except Conflict as error:
        messages.error(request, error.message)
        return _follow(request, "keys:key", key.hash)
    return _show_secret(request, key, secret)


@login_required
@require_POST
def end_grace(request: AuthedRequest, key_hash: str) -> HttpResponse:
    """Refuse the secret that a key had before it was rotated."""
    key = _visible_key(request, key_hash)
    issuing.end_grace(key, by=request.user.pk)
    messages.success(request, "The old secret is revoked. Requests with it fail.")
    return redirect("keys:key", key.hash)


@login_required
@require_http_methods(["GET", "POST"])
def delete_key(request: AuthedRequest, key_hash: str) -> HttpResponse:
    """The confirmation page; posted, the key is deleted."""
    key = _visible_key(request, key_hash)
    if request.method == "GET":
        return render(request, "keys/delete_key.html", {"key": key})
    issuing.delete(key)
    messages.success(request, f"“{key.name}” was deleted. Its usage stays in your activity.")
    return _follow(request, "keys:management-keys" if key.is_management else "keys:keys")


def _visible_key(request: AuthedRequest, key_hash: str) -> ApiKey:
    """Return the key if the user may see it; 404 otherwise."""
    organisation = access.for_member(request)
    visible = ApiKey.objects.visible_to(request.user, organisation).select_related("created_by", "updated_by")
    return get_object_or_404(visible.with_hash(key_hash))


def _form(request: AuthedRequest, template: str, form: Any, **context: Any) -> HttpResponse:
    context |= {"form": form, "once": request.POST.get("once") or secrets.token_urlsafe(12)}
    return render(request, template, context, status=422 if form.is_bound else 200)


def _posted_before(request: AuthedRequest) -> bool:
    """Return whether this form has created a key already: reloading the page with the secret posts it again."""
    once = request.POST.get("once", "")[:64]
    if not once or cache.add(f"keys:once:{request.user.pk}:{once}", True, timeout=24 * 3600):
        return False
    messages.info(request, "This key was already created. Its secret is shown only once.")
    return True


def _show_secret(request: AuthedRequest, key: ApiKey, secret: str) -> HttpResponse:
    context = {"key": key, "secret": secret, "samples": samples.for_key(key, secret)}
    return render(request, "keys/key_created.html", context, status=201)


def _back(request: AuthedRequest, key: ApiKey) -> HttpResponse:
    """Redirect to the page that the form was on: the key's page, or the list."""
    if request.POST.get("from") == "key":
        return _follow(request, "keys:key", key.hash)
    return _follow(request, "keys:management-keys" if key.is_management else "keys:keys")


def _follow(request: AuthedRequest, *to: str) -> HttpResponse:
    response = redirect(*to)
    if request.htmx:  # a form in a dialog: reload the whole page
        return HttpResponse(headers={"HX-Redirect": response["Location"]})
    return response
