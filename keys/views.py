"""Pages for API keys. An admin sees all keys of the organisation, a member those they made."""

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
from common.http import AuthedRequest

from . import authentication, issuing, samples
from .forms import ChangeKeyForm, CreateKeyForm, CreateManagementKeyForm
from .models import ApiKey
from .standing import Standing

PAGE_SIZE = 50


@login_required
@require_GET
def keys(request: AuthedRequest) -> HttpResponse:
    """The keys that programs use, newest first."""
    organisation = access.for_member(request)
    visible = ApiKey.objects.visible_to(request.user, organisation).filter(is_management=False)
    return _list(request, "keys/keys.html", visible, manages=access.is_admin(request.user, organisation))


@login_required
@require_GET
def management_keys(request: AuthedRequest) -> HttpResponse:
    """The keys that make and change other keys; for admins."""
    organisation = access.for_admin(request)
    management = ApiKey.objects.of(organisation).filter(is_management=True)
    return _list(request, "keys/management_keys.html", management, manages=True)


def _list(request: AuthedRequest, template: str, shown: QuerySet[ApiKey], *, manages: bool) -> HttpResponse:
    newest_first = shown.select_related("created_by").order_by("-created_at", "-pk")
    page = Paginator(newest_first, PAGE_SIZE).get_page(request.GET.get("page"))
    now = utc_now()
    rows = [(key, Standing(key, now)) for key in page]
    return render(request, template, {"page": page, "rows": rows, "manages": manages})


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def create_key(request: AuthedRequest) -> HttpResponse:
    """A form; once it is sent, the new key's secret, this one time."""
    organisation = access.for_member(request)
    form = CreateKeyForm(request.POST or None)
    if not form.is_valid():
        return _form(request, "keys/create_key.html", form)
    if _sent_before(request):
        return redirect("keys:keys")
    chosen = {name: form.cleaned_data[name] for name in ("name", "limit", "limit_reset", "expires_at")}
    created, secret = issuing.create(organisation, request.user, **chosen)
    return _show_secret(request, created, secret)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def create_management_key(request: AuthedRequest) -> HttpResponse:
    """As `create_key`, for a management key; for admins."""
    organisation = access.for_admin(request)
    form = CreateManagementKeyForm(request.POST or None)
    if not form.is_valid():
        return _form(request, "keys/create_management_key.html", form)
    if _sent_before(request):
        return redirect("keys:management-keys")
    chosen = {name: form.cleaned_data[name] for name in ("name", "expires_at")}
    created, secret = issuing.create(organisation, request.user, is_management=True, **chosen)
    return _show_secret(request, created, secret)


@login_required
@require_GET
def key(request: AuthedRequest, key_hash: str) -> HttpResponse:
    """One key: its limit, what it has spent, and how to use it."""
    key = _mine(request, key_hash)
    return render(
        request,
        "keys/key.html",
        {
            "key": key,
            "standing": Standing(key, utc_now()),
            "samples": samples.for_key(key, f"{authentication.PREFIX}..."),
        },
    )


@login_required
@require_http_methods(["GET", "POST"])
def change_key(request: AuthedRequest, key_hash: str) -> HttpResponse:
    """A form for its name, limit and expiry."""
    key = _mine(request, key_hash)
    form = ChangeKeyForm(key, request.POST or None)
    if not form.is_valid():
        came_from = request.POST.get("from") or request.GET.get("from", "key")
        return _form(request, "keys/change_key.html", form, key=key, came_from=came_from)
    issuing.update(key, **form.changes())
    messages.success(request, f"“{form.cleaned_data['name']}” was changed.")
    return _go(request, key)


@login_required
@require_POST
def switch_key(request: AuthedRequest, key_hash: str) -> HttpResponse:
    """Disables the key, or enables it again: whichever `disabled` asks for."""
    key = _mine(request, key_hash)
    disabled = request.POST.get("disabled") == "on"
    issuing.update(key, disabled=disabled)
    told = "is disabled: requests with it are refused" if disabled else "is enabled"
    messages.success(request, f"“{key.name}” {told}.")
    return _go(request, key)


@login_required
@require_http_methods(["GET", "POST"])
def delete_key(request: AuthedRequest, key_hash: str) -> HttpResponse:
    """A page that says what deleting means; sent, the key is gone."""
    key = _mine(request, key_hash)
    if request.method == "GET":
        return render(request, "keys/delete_key.html", {"key": key})
    issuing.delete(key)
    messages.success(request, f"“{key.name}” was deleted. Its usage stays in your activity.")
    return _follow(request, "keys:management-keys" if key.is_management else "keys:keys")


def _mine(request: AuthedRequest, key_hash: str) -> ApiKey:
    """The key, if this person may see it; 404 otherwise."""
    organisation = access.for_member(request)
    visible = ApiKey.objects.visible_to(request.user, organisation).select_related("created_by")
    return get_object_or_404(visible, hash=key_hash)


def _form(request: AuthedRequest, template: str, form: Any, **context: Any) -> HttpResponse:
    context |= {"form": form, "once": request.POST.get("once") or secrets.token_urlsafe(12)}
    return render(request, template, context, status=422 if form.is_bound else 200)


def _sent_before(request: AuthedRequest) -> bool:
    """Whether this very form has made a key already: a reload of the page that showed the secret sends it again."""
    once = request.POST.get("once", "")[:64]
    if not once or cache.add(f"keys:once:{request.user.pk}:{once}", True, timeout=24 * 3600):
        return False
    messages.info(request, "That key was made already. Its secret is shown only once.")
    return True


def _show_secret(request: AuthedRequest, key: ApiKey, secret: str) -> HttpResponse:
    context = {"key": key, "secret": secret, "samples": samples.for_key(key, secret)}
    return render(request, "keys/key_created.html", context, status=201)


def _go(request: AuthedRequest, key: ApiKey) -> HttpResponse:
    """Back to where the change was asked for: the key's own page, or the list."""
    if request.POST.get("from") == "key":
        return _follow(request, "keys:key", key.hash)
    return _follow(request, "keys:management-keys" if key.is_management else "keys:keys")


def _follow(request: AuthedRequest, *to: str) -> HttpResponse:
    response = redirect(*to)
    if request.htmx:  # a dialog's form: the whole page has changed, not just the dialog
        return HttpResponse(headers={"HX-Redirect": response["Location"]})
    return response
