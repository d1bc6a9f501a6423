"""Public operations: they need no key, can be read from any site, and may be cached for a minute."""

from collections.abc import Callable
from functools import wraps
from typing import Any

import msgspec
from django.http import HttpRequest, HttpResponse
from ninja import Router

from common.errors import ApiError
from models_catalog import catalog
from models_catalog.publishing.responses import PUBLIC_HEADERS, preflight, publish

__all__ = ["public", "publish_data"]

View = Callable[..., HttpResponse]


def public(router: Router, path: str, **options: Any) -> Callable[[View], View]:
    """Register a view for GET, HEAD and OPTIONS. Its errors carry the CORS headers too."""

    def register(view: View) -> View:
        @wraps(view)
        def respond(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if request.method == "OPTIONS":
                return preflight()
            try:
                return view(request, *args, **kwargs)
            except ApiError as error:
                error.headers |= PUBLIC_HEADERS
                raise

        router.get(path, **options)(respond)
        router.api_operation(["HEAD", "OPTIONS"], path, include_in_schema=False)(respond)
        return respond

    return register


def publish_data(request: HttpRequest, question: str, make: Callable[[catalog.Catalogue], Any]) -> HttpResponse:
    """Return `{"data": make(catalog)}`, encoded once per catalog and `question`."""
    catalogue = catalog.current()
    return publish(request, catalogue.stamp, lambda: msgspec.json.encode({"data": make(catalogue)}), question=question)
