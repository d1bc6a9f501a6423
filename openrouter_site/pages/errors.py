"""Error pages: 400, 403, 404, 500, 503, and a failed CSRF check.

Below `/api/` the same errors are JSON, in the envelope of every other API error.
"""

import logging
import sys
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed, PermissionDenied
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseServerError
from django.shortcuts import render
from django.template.loader import render_to_string

from api.paths import json_error
from common import errors
from common.storage.outages import outage_of
from common.telemetry import logs

log = logging.getLogger(__name__)

API = "/api/"


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return 400 for a malformed request."""
    if request.path.startswith(API):
        return json_error(errors.InvalidRequest("The request is malformed."))
    # Without the site's context: the host may be one that this site doesn't serve.
    return HttpResponse(render_to_string("400.html", plain_context()), status=400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return 403 for a forbidden page."""
    if request.path.startswith(API):
        return json_error(errors.PermissionDenied("You don't have permission."))
    reason = str(exception) if isinstance(exception, PermissionDenied) else ""
    return render(request, "403.html", {"reason": reason}, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Return 404 for a missing page, or one of another account."""
    if request.path.startswith(API):
        return json_error(errors.NotFound(f"Not found: {request.method} {request.path}."))
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """Return 500. The page uses neither the database nor the session, which may be what failed."""
    if request.path.startswith(API):
        return json_error(errors.InternalError())
    return HttpResponseServerError(render_to_string("500.html", plain_context()))


def unavailable(request: HttpRequest, error: errors.ServiceUnavailable) -> HttpResponse:
    """Return 503 while the database or Redis is away. Uses neither."""
    if request.path.startswith(API):
        return json_error(error)
    retry = request.get_full_path() if request.method == "GET" else ""
    page = render_to_string("503.html", {**plain_context(), "retry": retry})
    return HttpResponse(page, status=error.status, headers=error.headers)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Return 403 for a missing or old form token, usually after signing in or out in another tab."""
    return render(request, "403_csrf.html", status=403)


def plain_context() -> dict[str, str]:
    """Return a context without the database and the session."""
    return {"site_name": settings.SITE_NAME, "support_email": settings.SUPPORT_EMAIL, "request_id": logs.request_id()}


class OutagePages:
    """Answers 503 instead of 500 while the database or Redis is away, wherever in the request that was noticed."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        got_request_exception.connect(_note_outage)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        # Django has turned errors of the middleware below into a response of its own.
        outage: errors.ServiceUnavailable | None = getattr(request, "outage", None)
        return unavailable(request, outage) if outage else response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A view met an outage."""
        if (outage := outage_of(exception)) is None:
            return None
        log.warning("%s %s: %s", request.method, request.path, type(exception).__name__)
        return unavailable(request, outage)


def _note_outage(sender: object, request: HttpRequest | None = None, **_: Any) -> None:
    if request is not None:
        request.outage = outage_of(sys.exc_info()[1])  # type: ignore[attr-defined]


class ErrorPagesInDevelopment:
    """Shows the site's 404 page while DEBUG is on, instead of Django's list of routes.

    Errors of ours still show Django's page with the traceback.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        if not settings.DEBUG:
            raise MiddlewareNotUsed
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == 404 and request.resolver_match is None:
            return not_found(request)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """A view said "no such thing"."""
        return not_found(request, exception) if isinstance(exception, Http404) else None
