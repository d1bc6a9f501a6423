"""Pages of the catalog: all models, one model, the providers."""

import json
from collections import Counter
from collections.abc import Mapping
from difflib import get_close_matches
from typing import cast

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from accounts import access
from common.web.http import AuthedRequest, PageRequest
from models_catalog import catalog, exclusions
from models_catalog.entries import Catalogue, ModelEntry

from .browse import find
from .endpoint_rows import HEADINGS, heading_of, performance, rows
from .facets import SORT_LABELS, chips, column_links, facets, hidden_inputs, suggestions
from .price_table import price_table
from .query import Query, parse_leniently
from .samples import samples
from .visibility import is_operator as _is_operator
from .visibility import shown_to as _shown_to

MODELS_PER_PAGE = 50

#: Variants of every model. They change routing and have no page.
DYNAMIC_VARIANTS = ("nitro", "floor", "online", "exacto", "beta")


@require_safe
def models(request: PageRequest) -> HttpResponse:
    """The models page: models that match the query string, with filters."""
    catalogue = _shown_to(request)
    query, complaints = parse_leniently(request.GET)
    found = find(catalogue, query)
    view = "table" if request.GET.get("view") == "table" else ""
    page = Paginator(found.models, MODELS_PER_PAGE).get_page(request.GET.get("page"))
    excluded = _excluded_for(request)
    context = {
        "excluded": excluded,
        "excluded_count": sum((each.alias_of or each).id in excluded for each in found.models) if excluded else 0,
        "query": query,
        "found": found,
        "page": page,
        "complaints": complaints,
        "view": view,
        "facets": facets(catalogue, query, found),
        "chips": chips(catalogue, query, view),
        "suggestions": [] if found.models else suggestions(catalogue, query, found, view),
        "sorts": SORT_LABELS,
        "columns": column_links(query, view),
        "counts": json.dumps(found.counts),
        "newer": query.encoded(view=view, page=page.number - 1 if page.number > 2 else ""),
        "older": query.encoded(view=view, page=page.number + 1),
        "cleared": Query(sort=query.sort).encoded(view=view),
        "feed": query.encoded(use_rss="true"),
        "hidden_inputs": hidden_inputs(query),
        "offered": sum(each.is_offered for each in found.models),
        "has_models": bool(catalogue.complete.models),
        "is_operator": _is_operator(request),
    }
    partial = request.htmx and not request.htmx.history_restore_request
    response = render(request, f"models_catalog/{'partials/results' if partial else 'models'}.html", context)
    patch_vary_headers(response, ["HX-Request"])
    # Drop the empty parameters that a form sends.
    state = query.encoded(view=view, page=page.number if page.number > 1 else "")
    response["HX-Push-Url"] = f"{request.path}?{state}" if state else request.path
    return response


@require_safe
def model(request: PageRequest, author: str, slug: str) -> HttpResponse:
    """The page of a model: abilities, prices, providers and code samples. An alias leads to its model's."""
    catalogue = _shown_to(request)
    if (alias := catalogue.aliases.get(f"{author}/{slug}")) and alias.alias_of:
        return redirect("models_catalog:model", *alias.alias_of.id.split("/", 1))
    found = catalogue.find(f"{author}/{slug}")
    if found is None:
        return _elsewhere(request, catalogue, f"{author}/{slug}")
    offered = [each for each in found.endpoints if each.configured]
    heading = heading_of(request.GET.get("sort", ""))
    endpoints = rows(found, catalogue.providers, heading)
    context = {
        "model": found,
        "exclusion": _excluded_for(request).get((found.alias_of or found).id),
        "can_preview": request.user.is_authenticated and found.task == "chat",
        "endpoints": endpoints,
        "performance": performance(endpoints),
        "offered": len(offered),
        "is_operator": _is_operator(request),
        "headings": [each if each is heading else each._replace(order="") for each in HEADINGS],
        "prices": price_table((offered or found.endpoints)[0], found.task),
        "samples": samples(found.id, found.task),
        "siblings": _siblings(catalogue, found),
        "parameters": sorted(found.supported_parameters),
    }
    return render(request, "models_catalog/model.html", context)


@require_safe
def providers(request: PageRequest) -> HttpResponse:
    """The page of providers with their data policies."""
    catalogue = catalog.current()
    counts = Counter(slug for model in catalogue.models.values() for slug in model.provider_slugs)
    shown = _shown_to(request).offering_providers
    listed = [(provider, counts[slug]) for slug, provider in shown.items()]
    return render(request, "models_catalog/providers.html", {"rows": listed})


def _excluded_for(request: PageRequest) -> Mapping[str, exclusions.Exclusion]:
    """The models that the settings of a signed-in user's organization exclude, by ID."""
    if not request.user.is_authenticated:
        return {}
    return exclusions.of(access.for_member(cast(AuthedRequest, request)))


def _siblings(catalogue: Catalogue, model: ModelEntry) -> list[ModelEntry]:
    """Return the model's other variants."""
    base = model.id.partition(":")[0]
    return [each for each in catalogue.models.values() if each.id.partition(":")[0] == base and each.id != model.id]


def _elsewhere(request: PageRequest, catalogue: Catalogue, model_id: str) -> HttpResponse:
    """Redirect a variant of every model to its base model; otherwise 404 with models of similar names."""
    base, _, variant = model_id.partition(":")
    if variant in DYNAMIC_VARIANTS and base in catalogue.models:
        return redirect("models_catalog:model", *base.split("/", 1))
    similar = [catalogue.models[each] for each in get_close_matches(model_id.lower(), catalogue.models, n=5)]
    context = {"model_id": model_id, "similar": similar, "is_known": catalogue.complete.find(model_id) is not None}
    return render(request, "models_catalog/no_such_model.html", context, status=404)
