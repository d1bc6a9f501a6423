"""Everything below `/api/` answers in JSON and to pages of any site: unknown paths and wrong methods as well."""

import re
from collections.abc import Callable, Sequence
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, URLResolver, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from starlette.types import Scope

from common.errors import ApiError, MethodNotAllowed, NotFound
from common.web import cors

__all__ = ["answering_in_json", "collapsed", "in_api", "json_error", "unknown_paths"]

View = Callable[..., HttpResponse]


def in_api(path: str) -> bool:
    """Return whether the path belongs to the API."""
    return path == "/api" or path.startswith("/api/")


def collapsed(scope: Scope) -> Scope:
    """Return the scope with single slashes in an API path and none at its end: a client's base URL may end with one."""
    path: str = scope["path"]
    if not ("//" in path or path.endswith("/")) or not in_api(single := re.sub("/{2,}", "/", path).rstrip("/")):
        return scope
    raw = re.sub(b"/{2,}", b"/", scope.get("raw_path") or single.encode()).rstrip(b"/")
    return {**scope, "path": single, "raw_path": raw}


def json_error(error: ApiError) -> HttpResponse:
    """Return the error in the API's envelope, readable from any site."""
    return JsonResponse(error.envelope(), status=error.status, headers={**cors.HEADERS, **error.headers})


@csrf_exempt
def unknown(request: HttpRequest) -> HttpResponse:
    """Return 404 for a path that the API does not have, for every method."""
    base = f"{settings.SITE_URL}/api"
    hint = f"The base URL is {base}/v1, for Anthropic's clients {base}."
    return json_error(NotFound(f"Not found: {request.method} {request.path}. {hint}"))


def answering_in_json(patterns: Sequence[URLPattern | URLResolver]) -> list[URLPattern | URLResolver]:
    """Return the API's routes. A wrong method is a 405 in JSON, and the root, which has no page, a 404.

    Every response has the CORS headers, and every path answers a browser's preflight request.
    """
    for pattern in patterns:
        assert isinstance(pattern, URLPattern), "the API's routes are not nested"
        if pattern.name == "api-root":
            pattern.callback = unknown
        else:
            description = pattern.name == "openapi-json"
            pattern.callback = _open_to_all(require_safe(pattern.callback) if description else pattern.callback)
    return list(patterns)


def _open_to_all(view: View) -> View:
    @csrf_exempt
    @wraps(view)
    def respond(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if response.status_code == 405:  # no view takes OPTIONS
            response = _other_method(request.method or "", sorted({*response["Allow"].split(", "), "OPTIONS"}))
        for name, value in cors.HEADERS.items():
            response.setdefault(name, value)
        return response

    return respond


def _other_method(method: str, methods: list[str]) -> HttpResponse:
    """Return the answer to a preflight request, or else a refusal that names the path's methods."""
    allowed = ", ".join(methods)
    if method == "OPTIONS":
        return HttpResponse(status=204, headers=cors.preflight(allowed))
    return json_error(MethodNotAllowed(f"Method {method} not allowed. Use {allowed}.", headers={"Allow": allowed}))


#: The routes of every other path below `/api`, and of those that clients with another base URL ask for.
unknown_paths = [re_path(r"^(?:(?:api|v1)(?:/[\s\S]*)?|chat/completions)\Z", unknown)]
