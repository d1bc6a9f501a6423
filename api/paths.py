"""Everything below `/api/` answers in JSON: unknown paths, wrong methods, and base URLs with a slash too many."""

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

__all__ = ["answering_in_json", "collapsed", "in_api", "json_error", "unknown_paths"]

View = Callable[..., HttpResponse]

_CORS = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Allow, Retry-After"}


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
    return JsonResponse(error.envelope(), status=error.status, headers=_CORS | error.headers)


@csrf_exempt
def unknown(request: HttpRequest) -> HttpResponse:
    """Return 404 for a path that the API does not have, for every method."""
    base = f"{settings.SITE_URL}/api"
    hint = f"The base URL is {base}/v1, for Anthropic's clients {base}."
    return json_error(NotFound(f"Not found: {request.method} {request.path}. {hint}"))


def answering_in_json(patterns: Sequence[URLPattern | URLResolver]) -> list[URLPattern | URLResolver]:
    """Return the API's routes. A wrong method is a 405 in JSON, and the root, which has no page, a 404."""
    for pattern in patterns:
        assert isinstance(pattern, URLPattern), "the API's routes are not nested"
        if pattern.name == "api-root":
            pattern.callback = unknown
        else:
            description = pattern.name == "openapi-json"
            pattern.callback = _with_json_405(require_safe(pattern.callback) if description else pattern.callback)
    return list(patterns)


def _with_json_405(view: View) -> View:
    @csrf_exempt
    @wraps(view)
    def respond(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if response.status_code != 405:
            return response
        allowed = ", ".join(sorted(response["Allow"].split(", ")))
        message = f"Method {request.method} not allowed. Use {allowed}."
        return json_error(MethodNotAllowed(message, headers={"Allow": allowed}))

    return respond


#: The routes of every other path below `/api`, and of those that clients with another base URL ask for.
unknown_paths = [re_path(r"^(?:(?:api|v1)(?:/[\s\S]*)?|chat/completions)\Z", unknown)]
