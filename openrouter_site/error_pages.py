"""What somebody sees instead of the page they asked for: 400, 403, 404, 500, and a failed CSRF check.

Below `/api/` the same errors are JSON, in the envelope of every other API error.
"""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed, PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseServerError, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from common import errors

API = "/api/"


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """400: the request itself is malformed."""
    if request.path.startswith(API):
        return as_json(errors.InvalidRequest("The request is malformed."))
    # Without the site's context: the address may be one that this site does not answer to.
    return HttpResponse(render_to_string("400.html", plain_context()), status=400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """403: known, and not allowed."""
    if request.path.startswith(API):
        return as_json(errors.PermissionDenied("This is not allowed."))
    reason = str(exception) if isinstance(exception, PermissionDenied) else ""
    return render(request, "403.html", {"reason": reason}, status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """404: no such page, or not the caller's."""
    if request.path.startswith(API):
        return as_json(errors.NotFound(f"There is nothing at {request.method} {request.path}."))
    return render(request, "404.html", status=404)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: ours broke. The page asks nothing of the database or the session, which may be what broke."""
    if request.path.startswith(API):
        return as_json(errors.InternalError())
    return HttpResponseServerError(render_to_string("500.html", plain_context()))


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form's token is missing or old, most often because the person signed in or out in another tab."""
    return render(request, "403_csrf.html", status=403)


def as_json(error: errors.ApiError) -> JsonResponse:
    """The error as every API error looks."""
    return JsonResponse(error.envelope(), status=error.status)


def plain_context() -> dict[str, str]:
    """What a page may say when nothing but the settings can be relied upon."""
    return {"site_name": settings.SITE_NAME, "support_email": settings.SUPPORT_EMAIL}


class ErrorPagesInDevelopment:
    """Shows the site's own 404 page while DEBUG is on, where Django would list every route instead.

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
