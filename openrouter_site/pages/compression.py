"""Compressed pages and JSON.

The size of a compressed response tells whether a text that an attacker has put into it also occurs elsewhere in it
(BREACH). So what comes from the request is never compressed together with a secret:

- With a session cookie, only a 200 to a GET without a query is compressed: no part of the request is in it but its
  path, which names a page. Searches, forms that are shown again, and new API keys, which are shown once in the answer
  to a POST, stay as they are.
- Without one there is no secret. An attacker can't make a browser send an `Authorization` header.
- Django masks CSRF tokens anew in each response.

Streams (CSV exports) are never touched. Neither inference nor static files are served by Django.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.utils.deprecation import MiddlewareMixin

from common.web.compression import MIN_BYTES, compress, negotiate

__all__ = ["Compression"]

#: The media types that get smaller. An event stream would be held back by it.
_COMPRESSIBLE = frozenset({
    "application/json", "application/manifest+json", "application/rss+xml", "application/xml", "image/svg+xml",
    "text/css", "text/csv", "text/html", "text/javascript", "text/plain", "text/xml",
})  # fmt: skip


class Compression(MiddlewareMixin):
    """Compresses with brotli or gzip, as the client prefers."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not isinstance(response, HttpResponse) or not _gets_smaller(response) or not _is_safe(request, response):
            return response
        patch_vary_headers(response, ["Accept-Encoding"])
        if coding := negotiate(request.META.get("HTTP_ACCEPT_ENCODING", "")):
            response.content = compress(response.content, coding)
            response["Content-Encoding"] = coding
            response["Content-Length"] = str(len(response.content))
            if (etag := response.get("ETag", "")).startswith('"'):
                response["ETag"] = f"W/{etag}"  # the same content, but not the same bytes
        return response


def _gets_smaller(response: HttpResponse) -> bool:
    media_type = response.get("Content-Type", "").partition(";")[0].strip().lower()
    return (
        not response.has_header("Content-Encoding")
        and not response.has_header("Content-Range")
        and media_type in _COMPRESSIBLE
        and len(response.content) >= MIN_BYTES
    )


def _is_safe(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether nothing of the request can be beside a secret in the response."""
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        return True
    return request.method in {"GET", "HEAD"} and not request.META.get("QUERY_STRING") and response.status_code == 200
