"""The preview of a plan: where a request to a model goes with the settings of the reader's organization."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from accounts import access
from accounts.models import Organisation
from common.clock import utc_now
from common.errors import ApiError
from common.web.http import AuthedRequest
from gateway import completions
from gateway.steps import previews
from keys.authentication import identity_of
from keys.models import ApiKey, OwnProviderKey
from keys.rules.status import require_usable

#: The reasons of attempts in words; the others read well as they are.
_REASONS = {
    "balanced by price": "First choice by price",
    "price": "By price",
    "order": "By your order",
    "degraded": "Tried late: degraded",
    "recent outage": "Tried last: recent outage",
    "exacto": "By quality",
    "own key": "On your own key",
    "own fallback key": "On your own key, after shared capacity",
}


@login_required
@require_safe
def preview(request: AuthedRequest) -> HttpResponse:
    """The form, and with `model` the providers that a request to it is sent to, in order, and why not the others.

    With `key`, the hash of an API key that the reader may see, the request is one of that key; otherwise of their chat.
    Nothing is sent, counted or charged.
    """
    organisation, name = access.for_member(request), request.GET.get("model", "").strip()[:200]
    keys = ApiKey.objects.visible_to(request.user, organisation).for_inference().order_by("name", "pk")
    chosen = request.GET.get("key", "")
    if not chosen.isalnum():  # a NUL character would fail in the database
        chosen = "" if not chosen else "unknown"
    key = get_object_or_404(keys, hash=chosen) if chosen else None
    caller = previews.caller_as_saved(request.user, organisation, identity_of(key) if key else None)
    context: dict[str, Any] = {
        "name": name,
        "keys": keys,
        "key": key,
        "models": [model for model in previews.catalogue_for(caller).models.values() if model.task == "chat"],
    }
    if name:
        context |= _plan(caller, organisation, key, name)
    return render(request, "settings/plan_preview.html", context)


def _plan(caller: completions.Caller, organisation: Organisation, key: ApiKey | None, name: str) -> dict[str, Any]:
    asked = completions.parse({"model": name, "messages": [{"role": "user", "content": "Hello"}]})
    context: dict[str, Any] = {"excluded": previews.excluded_endpoints(caller, name)}
    try:
        if key:
            require_usable(key, utc_now())
        plan = previews.plan_of(caller, asked)
    except ApiError as error:
        return context | {"refusal": error.message}
    labels = dict(OwnProviderKey.objects.of(organisation).values_list("pk", "label")) if caller.own_keys else {}
    attempts = [
        (each, _REASONS.get(each.reason, f"By {each.reason}"), labels.get(each.own.id, "") if each.own else "")
        for each in plan.attempts
    ]
    return context | {
        "plan": plan,
        "attempts": attempts,
        "several_models": len({each.model.id for each in plan.attempts}) > 1,
    }
