"""Responses that browsers keep and ask about: an unchanged one is answered with 304, without its bytes.

What differs between two responses with the same content, the nonce and the masked CSRF token, does not count. The kept
page must match the policy that comes with a 304, so its one inline script is allowed by its hash instead of a nonce.
"""

import base64
import hashlib
import re
from functools import lru_cache

from csp.constants import SELF
from django.http import HttpResponse
from django.utils.cache import get_conditional_response

from common.web.http import PageRequest

__all__ = ["html_response", "text_response"]

_IMPORT_MAP = re.compile(r'<script type="importmap"[^>]*>(.*?)</script>', re.DOTALL)
_CSRF_TOKEN = re.compile(r'name="csrf-token" content="(\w*)"')


def html_response(request: PageRequest, response: HttpResponse) -> HttpResponse:
    """Return the rendered page, or 304 if the browser has it."""
    body = response.content.decode()
    varying = [str(request.csp_nonce), *_CSRF_TOKEN.findall(body)]
    stable = body
    for text in filter(None, varying):
        stable = stable.replace(text, "")
    stable += request.META.get("CSRF_COOKIE") or ""  # a new secret makes kept tokens invalid
    digest = hashlib.sha256(stable.encode()).hexdigest()[:32]
    answer = _conditional(request, response, digest, "private, no-cache")
    scripts = [f"'sha256-{_digest(script)}'" for script in _IMPORT_MAP.findall(body)]
    answer._csp_replace = {"script-src": [SELF, *scripts]}  # type: ignore[attr-defined] # of django-csp
    return answer


def text_response(request: PageRequest, text: str, media_type: str) -> HttpResponse:
    """Return a text that is the same for every visitor, or 304 if the client has it."""
    response = HttpResponse(text, content_type=f"{media_type}; charset=utf-8")
    return _conditional(request, response, hashlib.sha256(text.encode()).hexdigest()[:32], "public, max-age=300")


def _conditional(request: PageRequest, response: HttpResponse, digest: str, caching: str) -> HttpResponse:
    etag = f'W/"{digest}"'
    response["ETag"] = etag
    response["Cache-Control"] = caching
    answer = get_conditional_response(request, etag=etag, response=response)
    assert isinstance(answer, HttpResponse)
    return answer


@lru_cache(maxsize=4)
def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
