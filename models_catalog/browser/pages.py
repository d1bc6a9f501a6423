"""Pages of the catalog: all models, one model, the providers."""

from collections import Counter
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, cast

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_safe

from accounts import access
from common.clock import utc_now
from common.web.http import AuthedRequest, PageRequest
from models_catalog import catalog, exclusions
from models_catalog.entries import Catalogue, ModelEntry

from .attributes import json_attribute
from .compare import MOST_COMPARED, chosen_ids, compare_query, matches, near
from .compare import compare as side_by_side
from .model_page.endpoint_rows import HEADINGS, heading_of, performance
from .model_page.endpoint_rows import rows as endpoint_rows
from .model_page.price_changes import price_changes
from .model_page.price_table import price_table
from .model_page.samples import samples
from .rows import Reader, rows
from .search.browse import find
from .search.chips import chips, suggestions
from .search.facets import SORT_LABELS, column_links, facets, hidden_inputs
from .search.query import Query, parse_leniently
from .visibility import is_operator as _is_operator
from .visibility import shown_to as _shown_to

MODELS_PER_PAGE = 50

#: Variants of every model. They change routing and have no page.
DYNAMIC_VARIANTS = ("nitro", "floor", "online", "exacto", "beta")


@require_safe
def models(request: PageRequest) -> HttpResponse:
    """The models page: models that match the query string, with filters. htmx gets the results alone, or more rows."""
    catalogue = _shown_to(request)
    query, complaints = parse_leniently(request.GET)
    deprecated = "true" if request.GET.get("deprecated") == "true" else ""
    found = find(catalogue, query, with_retired=bool(deprecated))
    view = "table" if request.GET.get("view") == "table" else ""
    page = Paginator(found.models, MODELS_PER_PAGE).get_page(request.GET.get("page"))
    compared = [id_ for id_ in chosen_ids(catalogue, request.GET, "compare") if id_ in catalogue.models][:MOST_COMPARED]
    state = {"deprecated": deprecated, "view": view, "compare": ",".join(compared)}
    reader = Reader(view, _is_operator(request), _excluded_for(request), frozenset(compared))
    partial = request.htmx and not request.htmx.history_restore_request
    context: dict[str, Any] = {
        **state,
        "query": query,
        "found": found,
        "page": page,
        "with_deprecated": query.encoded(**state | {"deprecated": "true"}),
        "is_operator": reader.is_operator,
        "columns": column_links(query, **state),
        "rows": rows(catalogue, page.object_list, found.figures, reader),
        "older": query.encoded(**state, page=page.number + 1),
    }
    if partial and request.htmx.target == "more":
        response = render(request, "models_catalog/partials/search/rows.html", context)
        patch_vary_headers(response, ["HX-Request", "HX-Target"])
        return response
    excluded = reader.excluded
    context |= {
        "excluded_count": sum((each.alias_of or each).id in excluded for each in found.models) if excluded else 0,
        "complaints": complaints,
        "by_use": query.sort in ("top-weekly", "most-popular"),
        "chips": chips(catalogue, query, **state),
        "suggestions": [] if found.models else suggestions(catalogue, query, found, **state),
        "newer": query.encoded(**state, page=page.number - 1 if page.number > 2 else ""),
        "cleared": Query(sort=query.sort).encoded(**state),
        "feed": query.encoded(use_rss="true"),
        "offered": sum(each.is_offered for each in found.models),
        "has_models": bool(catalogue.complete.models),
    }
    if partial:
        context["counts"] = json_attribute(found.counts)
    else:
        shown = {each.id for each in page.object_list}
        context |= {
            "facets": facets(catalogue, query, found),
            "sorts": SORT_LABELS,
            "hidden_inputs": hidden_inputs(query),
            "compared": compared,
            "compared_elsewhere": [each for each in compared if each not in shown],
            "most_compared": MOST_COMPARED,
            "compare_link": compare_query(compared),
            "uncompared": query.encoded(**state | {"compare": ""}),
        }
    response = render(request, f"models_catalog/{'partials/search/results' if partial else 'models'}.html", context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
    # Drop the empty parameters that a form sends.
    address = query.encoded(**state, page=page.number if page.number > 1 else "")
    response["HX-Push-Url"] = f"{request.path}?{address}" if address else request.path
    return response


@require_safe
def compare(request: PageRequest) -> HttpResponse:
    """The page that compares the models that the query string names. htmx gets the matches of a search alone."""
    catalogue = _shown_to(request)
    named = chosen_ids(catalogue, request.GET, "models")
    known = [catalogue.models[each] for each in named if each in catalogue.models]
    compared, ids = known[:MOST_COMPARED], [model.id for model in known[:MOST_COMPARED]]
    search = " ".join(request.GET.get("search", "").split())
    found = matches(catalogue, search, ids) if search and len(ids) < MOST_COMPARED else []
    context: dict[str, Any] = {
        "search": search,
        "matches": [(model, compare_query([*ids, model.id])) for model in found],
    }
    if request.htmx and request.htmx.target == "matches":
        response = render(request, "models_catalog/partials/matches.html", context)
    else:
        excluded = _excluded_for(request)
        context |= {
            "models": [
                (model, excluded.get(model.id), compare_query([each for each in ids if each != model.id]))
                for model in compared
            ],
            "groups": side_by_side(compared) if compared else [],
            "unknown": [
                (each, [(model, compare_query([*ids, model.id][:MOST_COMPARED])) for model in near(catalogue, each)])
                for each in named[: 2 * MOST_COMPARED]
                if each not in catalogue.models
            ],
            "left_out": known[MOST_COMPARED:],
            "most": MOST_COMPARED,
            "joined": ",".join(ids),
        }
        response = render(request, "models_catalog/compare.html", context)
    patch_vary_headers(response, ["HX-Request", "HX-Target"])
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
    endpoints = endpoint_rows(found, catalogue.providers, heading)
    successor = catalogue.successor_of(found.id, gone_by=found.expires_on) if found.expires_on else ""
    context = {
        "model": found,
        "is_retired": found.is_retired(utc_now().date()),
        "successor": catalogue.models.get(successor),
        "exclusion": _excluded_for(request).get((found.alias_of or found).id),
        "can_preview": request.user.is_authenticated and found.task == "chat",
        "endpoints": endpoints,
        "performance": performance(endpoints),
        "offered": len(offered),
        "is_operator": _is_operator(request),
        "headings": [each if each is heading else each._replace(order="") for each in HEADINGS],
        "prices": price_table((offered or found.endpoints)[0], found.task),
        "price_changes": price_changes(
            (found.alias_of or found).id, found.task, {row.endpoint.tag: row.name for row in endpoints}
        ),
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
