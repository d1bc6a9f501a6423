"""Public operations: they need no key, and may be cached for a minute."""

from collections.abc import Callable
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from ninja import Router

from models_catalog import catalog
from models_catalog.publishing.responses import publish

__all__ = ["public", "publish_data"]

View = Callable[..., HttpResponse]


def public(router: Router, path: str, **options: Any) -> Callable[[View], View]:
    """Register a view for GET and HEAD."""

    def register(view: View) -> View:
        router.get(path, **options)(view)
        router.api_operation(["HEAD"], path, include_in_schema=False)(view)
        return view

    return register


def publish_data(request: HttpRequest, question: str, make: Callable[[catalog.Catalogue], Any]) -> HttpResponse:
    """Return `{"data": make(catalog)}`, encoded once per catalog and `question`."""
    catalogue = catalog.current()
    return publish(request, catalogue.stamp, lambda: msgspec.json.encode({"data": make(catalogue)}), question=question)
