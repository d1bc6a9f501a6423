"""Apps that a person connects: the page that asks for consent, and the list of those that are connected."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db.models import Max, Min, Sum
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from accounts import access
from common.errors import InvalidRequest
from common.web.http import AuthedRequest
from keys import issuing
from keys.models import ApiKey

from . import callbacks, codes
from .forms import ConsentForm, Wish, wish_in


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def authorize(request: AuthedRequest) -> HttpResponse:
    """The page that an app sends a person to; posted, the person goes back with a code, or sees it."""
    organisation = access.for_member(request)
    try:
        wish = wish_in(request.GET, organisation)
    except InvalidRequest as error:
        return render(request, "keys/oauth/refused.html", {"problem": error.message}, status=400)
    if request.POST.get("answer") == "cancel":
        if not wish.callback_url:
            return redirect("home")
        return HttpResponseRedirect(callbacks.answered(wish.callback_url, error="access_denied"))
    form = ConsentForm(wish, request.POST or None)
    if not form.is_valid():
        return _ask(request, form, {"wish": wish, "organisation": organisation})
    _, code = codes.issue(organisation, request.user, form.consent())
    if not wish.callback_url:
        return render(request, "keys/oauth/code.html", {"code": code, "minutes": codes.LIFETIME.seconds // 60})
    return HttpResponseRedirect(callbacks.answered(wish.callback_url, code=code))


@login_required
@require_GET
def connected_apps(request: AuthedRequest) -> HttpResponse:
    """The apps that have a key of the user, or for admins of the organization, with what each has spent."""
    apps = (
        _keys_of_apps(request)
        .values("app")
        .annotate(spent=Sum("usage"), connected=Min("created_at"), used=Max("last_used_at"))
        .order_by("-connected", "app")
    )
    keys: dict[str, list[ApiKey]] = {}
    for key in _keys_of_apps(request).order_by("-created_at"):
        keys.setdefault(key.app, []).append(key)
    rows = [app | {"keys": keys.get(app["app"], [])} for app in apps]
    return render(request, "keys/oauth/connected_apps.html", {"apps": rows})


@login_required
@require_http_methods(["GET", "POST"])
def disconnect_app(request: AuthedRequest) -> HttpResponse:
    """The confirmation page; posted, all keys of the app in `app` are deleted."""
    app = request.GET.get("app", "")
    keys = list(_keys_of_apps(request).filter(app=app)) if app else []
    if not keys:
        raise Http404("No such app.")
    if request.method == "GET":
        return render(request, "keys/oauth/disconnect_app.html", {"app": app, "keys": keys})
    for key in keys:
        issuing.delete(key)
    messages.success(request, f"{app} is disconnected. Its usage stays in your activity.")
    return redirect("keys:connected-apps")


def _keys_of_apps(request: AuthedRequest) -> Any:
    organisation = access.for_member(request)
    return ApiKey.objects.visible_to(request.user, organisation).exclude(app="")


def _ask(request: AuthedRequest, form: ConsentForm, context: dict[str, Any]) -> HttpResponse:
    response = render(
        request, "keys/oauth/authorize.html", context | {"form": form}, status=422 if form.is_bound else 200
    )
    wish: Wish = context["wish"]
    if wish.app:
        # Browsers apply form-action to the redirect that follows the form as well.
        response._csp_update = {"form-action": [wish.app]}  # type: ignore[attr-defined]
    return response
