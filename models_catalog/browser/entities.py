"""Pages of a provider and of an author, with their models."""

from collections.abc import Mapping
from difflib import get_close_matches

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from common.web.http import PageRequest
from models_catalog.entries import Catalogue, EndpointEntry, ModelEntry, ProviderEntry
from models_catalog.metrics import measured_days

from .model_page.endpoint_rows import policy_of
from .visibility import is_operator, shown_to

__all__ = ["author", "provider"]


@require_safe
def provider(request: PageRequest, slug: str) -> HttpResponse:
    """The page of a provider: its data policy, its uptime, and the models that it serves, newest first."""
    catalogue = shown_to(request)
    found = catalogue.offering_providers.get(slug)
    if found is None:
        names = {each: entry.name for each, entry in catalogue.offering_providers.items()}
        return _unknown(request, "provider", slug, _similar(slug, names))
    served = _served(catalogue, found)
    context = {
        "provider": found,
        "served": served,
        "models": len({model.id for model, *_ in served}),
        "days": measured_days.of_provider(slug),
        "is_operator": is_operator(request),
    }
    return render(request, "models_catalog/provider.html", context)


@require_safe
def author(request: PageRequest, author: str) -> HttpResponse:
    """The page of an author: their models, newest first. A path that is not nearly an author's is any unknown page."""
    catalogue = shown_to(request)
    name = catalogue.authors.get(author)
    if name is None:
        similar = _similar(author, catalogue.authors)
        if not similar:
            raise Http404("No such author.")
        return _unknown(request, "author", author, similar)
    models = [model for model in catalogue.models.values() if model.author == author]
    context = {
        "author": author,
        "name": name,
        "models": models,
        "own_provider": catalogue.offering_providers.get(author),
        "is_operator": is_operator(request),
    }
    return render(request, "models_catalog/author.html", context)


def _served(
    catalogue: Catalogue, provider: ProviderEntry
) -> list[tuple[ModelEntry, EndpointEntry, ProviderEntry | None]]:
    """Return the models that the provider serves, newest first, each with its endpoints there, the cheapest first.

    The third is the provider with the data policy of the endpoint, None where it is that of the provider.
    """
    return [
        (model, endpoint, policy_of(provider, endpoint) if endpoint.has_own_policy else None)
        for model in catalogue.models.values()
        for endpoint in model.endpoints
        if endpoint.provider == provider.slug
    ]


def _similar(slug: str, names: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return (slug, name) of similar slugs, the most similar first."""
    return [(each, names[each]) for each in get_close_matches(slug.lower(), names, n=5, cutoff=0.7)]


def _unknown(request: PageRequest, kind: str, slug: str, similar: list[tuple[str, str]]) -> HttpResponse:
    """404 with links to similar ones."""
    links = [(reverse(f"models_catalog:{kind}", args=[each]), name) for each, name in similar]
    context = {"kind": kind, "slug": slug, "similar": links}
    return render(request, "models_catalog/no_such_entity.html", context, status=404)
