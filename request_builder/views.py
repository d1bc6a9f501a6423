"""The request builder: a form over the whole request of an API, the programs that send it, and its preview."""

import json
from typing import Any, cast

from django.conf import settings
from django.http import HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django_htmx.http import reswap, retarget

from accounts import access
from accounts.models import Organisation
from common.programs import Call, Program, programs
from common.programs.literals import JSON, literal
from common.web.http import AuthedRequest, PageRequest
from models_catalog import catalog, exclusions

from .description import APIS, CHAT, EMBEDDINGS, MESSAGES, Api
from .forms import RequestForm
from .preview import Preview, preview
from .requests.messages import COLUMNS, changed, messages_in

#: What htmx replaces: the ID of the element, and its template.
PARTS = {"result": "request_builder/partials/result.html", "builder": "request_builder/partials/answer.html"}
EXAMPLE = "Which numbers are prime?"
#: The field `max_tokens` of an API that requires it.
DEFAULT_LIMIT = "1024"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def builder(request: PageRequest) -> HttpResponse:
    """The page. A posted form comes back with its programs and its faults; `?model=` and `?api=` start a new one."""
    organisation = access.for_member(cast(AuthedRequest, request)) if request.user.is_authenticated else None
    shown = request.POST.get("shown")
    data = _posted(request) if request.method == "POST" else _begun(request.GET)
    api = APIS[_text(data, "api")]
    data["model"] = _text(data, "model").strip() or _default_model(api, organisation)
    form = RequestForm(api, data)
    catalogue = catalog.current()
    user = cast(AuthedRequest, request).user if request.user.is_authenticated else None
    found = preview(form, catalogue, user, organisation)
    excluded = exclusions.of(organisation) if organisation else {}
    context = {
        "api": api,
        "apis": APIS.values(),
        "form": form,
        "messages_said": [(at, said, form.message_errors.get(at, "")) for at, said in enumerate(form.messages)],
        "found": found,
        "exclusion": excluded.get((found.model.alias_of or found.model).id) if found.model else None,
        "programs": _programs(form),
        "notes": json.dumps(_notes(found)),
        "models": [model for model in catalogue.listed if model.task == api.task],
        "excluded": excluded,
        "setup": {"user": user.public_id if user else None},
    }
    part = PARTS.get(request.htmx.target or "") if request.htmx else None
    is_of_another_api = part == PARTS["result"] and shown != api.path
    if is_of_another_api:
        part = PARTS["builder"]
    response = render(request, part or "request_builder/builder.html", context)
    if is_of_another_api:
        reswap(retarget(response, "#builder"), "innerHTML")
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    return response


def _begun(query: QueryDict) -> QueryDict:
    """The form of a new request: a question to the model of the query."""
    data = QueryDict(mutable=True)
    name = data["model"] = _text(query, "model")[:300]
    model = catalog.current().find(name.lower())
    api = EMBEDDINGS if model and model.task == "embeddings" else CHAT
    asked = _text(query, "api")
    data["api"] = data["shown"] = asked if asked in APIS else api
    data.setlist("role", ["user"])
    data.setlist("text", [EXAMPLE])
    data["input"] = EXAMPLE
    data["stream"] = "on"
    if data["api"] == MESSAGES:
        data["max_tokens"] = DEFAULT_LIMIT
    return data


def _posted(request: PageRequest) -> QueryDict:
    """The posted form, after the press of one of its buttons and a change of the API."""
    data = request.POST.copy()
    if data.get("api") not in APIS:
        data["api"] = CHAT
    if act := _text(data, "act"):
        said = changed(messages_in(data), act)
        for at, name in enumerate(COLUMNS):
            data.setlist(name, [each[at] for each in said])
    before, after = APIS.get(_text(data, "shown")), APIS[_text(data, "api")]
    if before and before is not after:
        _switch(data, before, after)
    data["shown"] = after.path
    return data


def _switch(data: QueryDict, before: Api, after: Api) -> None:
    """Give the fields that only the other API has their first values."""
    if before.task != after.task:
        data["model"] = ""
    if after.path == MESSAGES and not data.get("max_tokens"):
        data["max_tokens"] = DEFAULT_LIMIT
    if after.path == EMBEDDINGS:
        data["input"] = _text(data, "input") or "\n".join(data.getlist("text"))
    elif before.path == EMBEDDINGS:
        data.setlist("role", ["user"])
        data.setlist("text", [_text(data, "input")])
        data["stream"] = "on"
    data.setlist("role", [role if role in after.roles else "user" for role in data.getlist("role")])


def _text(data: QueryDict, name: str) -> str:
    return str(data.get(name) or "")


def _default_model(api: Api, organisation: Organisation | None) -> str:
    if api.task == "chat":
        return (organisation and organisation.default_model) or settings.DEFAULT_MODEL
    return next((each.id for each in catalog.current().models.values() if each.task == api.task), "")


def _programs(form: RequestForm) -> list[Program]:
    """The programs of the request, and its JSON alone."""
    found = programs(Call(form.api.path, form.body, form.headers))
    return [*found, Program("json", "JSON", "json", literal(form.body, JSON))]


def _notes(found: Preview) -> dict[str, Any]:
    """The notes that the page's script shows beside fields."""
    return {
        "errors": found.errors,
        "messages": {str(at): fault for at, fault in found.message_errors.items()},
        "unsupported": found.unsupported,
        "valid": found.is_valid,
    }
