"""Rules for every request to Django: where links lead, and HEAD."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse

__all__ = ["AnswerHead", "LinkToSiteUrl"]

Response = HttpResponse | StreamingHttpResponse
Handler = Callable[[HttpRequest], Response]


class LinkToSiteUrl:
    """Lets `request.build_absolute_uri` start at SITE_URL, also for libraries that put its result into emails.

    Otherwise links would lead to the Host header, which the sender of a request chooses.
    """

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Response:
        request._current_scheme_host = settings.SITE_URL  # type: ignore[attr-defined]
        return self.get_response(request)


class AnswerHead:
    """Answers HEAD like GET without a body, whatever methods a view names."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> Response:
        if request.method != "HEAD":
            return self.get_response(request)
        request.method = "GET"
        response = self.get_response(request)
        request.method = "HEAD"
        if isinstance(response, StreamingHttpResponse):
            response.streaming_content = ()
        else:
            response.content = b""  # Content-Length stays
        return response
