"""The preview of a plan: where a request to a model goes with the settings of the reader's organization."""

from typing import Any

import msgspec
from asgiref.sync import async_to_sync
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts import access
from accounts.models import Organisation
from common.errors import ApiError
from common.web.http import AuthedRequest
from gateway import completions
from gateway.steps import previews
from models_catalog import catalog

#: The reasons of attempts in words; the others read well as they are.
_REASONS = {
    "balanced by price": "First choice by price",
    "price": "By price",
    "order": "By your order",
    "degraded": "Tried late: degraded",
    "recent outage": "Tried last: recent outage",
}


@login_required
@require_safe
def preview(request: AuthedRequest) -> HttpResponse:
    """The form, and with `model` the providers that a chat request to it is sent to, in order, and why not the others.

    Nothing is sent, counted or charged.
    """
    organisation, name = access.for_member(request), request.GET.get("model", "").strip()[:200]
    context: dict[str, Any] = {
        "name": name,
        "models": [model for model in catalog.current().models.values() if model.task == "chat"],
    }
    if name:
        context |= _plan(request, organisation, name)
    return render(request, "settings/plan_preview.html", context)


def _plan(request: AuthedRequest, organisation: Organisation, name: str) -> dict[str, Any]:
    caller = async_to_sync(completions.chat_caller)(request.user, organisation)
    caller = msgspec.structs.replace(caller, policy=previews.policy_of(organisation))  # as saved a moment ago
    asked = completions.parse({"model": name, "messages": [{"role": "user", "content": "Hello"}]})
    context: dict[str, Any] = {"excluded": previews.excluded_endpoints(caller, name)}
    try:
        plan = previews.plan_of(caller, asked)
    except ApiError as error:
        return context | {"refusal": error.message}
    attempts = [(each, _REASONS.get(each.reason, f"By {each.reason}")) for each in plan.attempts]
    return context | {
        "plan": plan,
        "attempts": attempts,
        "several_models": len({each.model.id for each in plan.attempts}) > 1,
    }
