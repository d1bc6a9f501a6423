"""A preview of the request that a form describes: what is wrong with it, where it goes, and what it costs.

Nothing is sent, counted, logged or stored.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

import msgspec
from asgiref.sync import async_to_sync
from django.conf import settings

from accounts.models import Organisation, User
from common.errors import ApiError, InvalidRequest
from common.money import PICO_PER_USD, PicoUsd
from gateway import completions
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.protocols.table import PARSERS
from gateway.routing.plan import Plan
from gateway.steps import previews
from gateway.tokens.parts import estimate_prompt
from models_catalog.entries import Catalogue, EndpointEntry, ModelEntry
from models_catalog.reference.parameters import supports

from .forms import RequestForm

__all__ = ["Estimate", "Preview", "preview"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """The cost of a request at a provider, in pico-USD. `output_tokens` is the most that the response can have."""

    provider: str
    prompt_tokens: int
    input_cost: PicoUsd
    output_tokens: int
    output_cost: PicoUsd
    search_cost: PicoUsd


@dataclass(slots=True)
class Preview:
    """The faults are by the name of their field; the others belong to no field of the form."""

    errors: dict[str, str] = field(default_factory=dict)
    message_errors: dict[int, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    model: ModelEntry | None = None
    suggestions: list[str] = field(default_factory=list)  # IDs like one that no model has
    unsupported: list[str] = field(default_factory=list)  # names of fields that the model lacks
    estimate: Estimate | None = None
    plan: Plan | None = None
    refusal: str = ""

    @property
    def is_valid(self) -> bool:
        return not (self.errors or self.message_errors or self.problems)


def preview(form: RequestForm, catalogue: Catalogue, user: User | None, organisation: Organisation | None) -> Preview:
    """The preview of the request of a bound form, for a user of an organization, or for a visitor without either."""
    form.is_valid()
    found = Preview(message_errors=form.message_errors)
    found.errors = {name: str(faults[0]) for name, faults in form.errors.items()}
    _examine(found, form, catalogue, user, organisation)
    for name in found.errors.keys() - form.errors.keys():  # the page is drawn from the form
        form.add_error(name, found.errors[name])
    return found


def _examine(
    found: Preview, form: RequestForm, catalogue: Catalogue, user: User | None, organisation: Organisation | None
) -> None:
    name = str(form.body.get("model") or (organisation and organisation.default_model) or settings.DEFAULT_MODEL)
    _look_up(found, form, catalogue, name)
    if not found.is_valid:
        return
    try:
        request = PARSERS[form.api.path](msgspec.json.encode(form.body))
    except InvalidRequest as error:
        _blame(found, form, error.message)
        return
    endpoint = found.model.cheapest if found.model and found.model.is_offered else None
    if user is not None and organisation is not None:
        _plan(found, request, user, organisation)
        endpoint = found.plan.attempts[0].endpoint if found.plan else None
    if endpoint:
        found.estimate = _estimate(request, endpoint)


def _look_up(found: Preview, form: RequestForm, catalogue: Catalogue, name: str) -> None:
    """Find the model, and the fields that it lacks."""
    base = name.lower().partition(":")[0]
    model = found.model = catalogue.find(name.lower()) or catalogue.find(base)
    if model is None:
        if not name.startswith(("openrouter/", "@preset/")) and "@" not in name:
            found.suggestions = get_close_matches(name.lower(), catalogue.models, n=3)
        return
    listed = model.supported_parameters
    found.unsupported = [
        each.name for each in form.described if each.parameter and not supports(listed, each.parameter)
    ]
    if model.task != form.api.task:
        other = "Embeddings" if model.task == "embeddings" else "another API"
        remedy = f"Choose {other} above, or another model." if model.task != "chat" else "Choose a model of embeddings."
        found.errors.setdefault("model", f"{model.name} doesn't serve this API. {remedy}")


def _blame(found: Preview, form: RequestForm, message: str) -> None:
    """Put the fault that a parser has found beside its field, or among the problems of the whole request."""
    place = re.search(r"at `\$\.?([\w.]*)", message)
    text = message.removeprefix("Invalid request parameters: ").partition(" - at `$")[0].rstrip(".") + "."
    text = text[0].upper() + text[1:]
    path = place[1] if place else ""
    candidates = [each for each in form.described if each.places[form.api.path]]
    exact = (each for each in candidates if path and path == each.places[form.api.path])
    near = (each for each in candidates if path and (each.places[form.api.path] + ".").startswith(path + "."))
    above = (each for each in candidates if path.startswith(each.places[form.api.path] + "."))
    special = {"response_format": "schema", "output_config.format": "schema", "text.format": "schema", "input": "input"}
    name = next((each.name for group in (exact, near, above) for each in group), "")
    for prefix, control in special.items():
        if path.startswith(prefix) and control in form.fields:
            name = control
    if name:
        found.errors[name] = text
    elif form.cleaned_data.get("other") and path.partition(".")[0] in form.cleaned_data["other"]:
        found.errors["other"] = text
    else:
        found.problems.append(text)


def _plan(found: Preview, request: ChatRequest, user: User, organisation: Organisation) -> None:
    caller = async_to_sync(completions.chat_caller)(user, organisation)
    try:
        request = async_to_sync(completions.with_preset)(organisation.pk, request)
        found.plan = previews.plan_of(caller, request)
    except ApiError as error:
        found.refusal = error.message


def _estimate(request: ChatRequest, endpoint: EndpointEntry) -> Estimate:
    prompt = estimate_prompt(request)
    prices = endpoint.prices_for(prompt.likely)
    output = 0
    if request.task == "chat":
        most = endpoint.max_completion_tokens or max(0, endpoint.context_length - prompt.likely)
        output = min(request.max_tokens or most, most) * request.choices
    plugins: list[Mapping[str, Any]] = request.body.get("plugins") or []
    searches = any(each.get("id") == "web" and each.get("enabled") is not False for each in plugins)
    return Estimate(
        provider=endpoint.provider_name,
        prompt_tokens=prompt.likely,
        input_cost=_pico(prices.prompt * prompt.likely + prices.request + prices.image * prompt.images),
        output_tokens=output,
        output_cost=_pico(prices.completion * output),
        search_cost=_pico(settings.WEB_SEARCH_REQUEST_PRICE if searches else Decimal(0)),
    )


def _pico(usd: Decimal) -> PicoUsd:
    return PicoUsd(round(usd * PICO_PER_USD))
