"""The chat without a network: its service worker, and the shell of its page that the worker keeps on the device.

Neither holds anything of an account: both are the same for every visitor. The conversations are in the browser's
IndexedDB, and the device notes which user's to show (`static/js/chat/device/offline.js`). Decision 0033.
"""

import base64
import hashlib
import json
import re
from functools import cache
from pathlib import Path

from csp.constants import SELF
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_safe

from chat.views import PERMISSIONS_POLICY, site_setup
from common.web.http import PageRequest
from openrouter_site.browser_libraries import IMPORTS, files

from . import context

__all__ = ["shell", "worker"]

SOURCE = Path(settings.BASE_DIR) / "static/js/chat-worker.js"
#: Beside the modules and the libraries' files.
FILES = (
    "css/base.css", "css/components.css", "css/chat.css", "css/chat-answers.css", "css/chat-rail.css",
    "css/chat-writing.css", "js/base.js", "img/mark.svg", "django_htmx/htmx-2.min.js",
    "django_htmx/django-htmx.js",  # in development
)  # fmt: skip
_IMPORT_MAP = re.compile(r'<script type="importmap"[^>]*>(.*?)</script>', re.DOTALL)


@require_safe
def shell(request: PageRequest) -> HttpResponse:
    """The chat's page without a user: no ID, no balance, no session, no CSRF token.

    Its one inline script is allowed by its hash, because the page is kept for long and a nonce is for one response.
    """
    body = _shell()
    [import_map] = _IMPORT_MAP.findall(body)
    digest = base64.b64encode(hashlib.sha256(import_map.encode()).digest()).decode()
    response = HttpResponse(body)
    response._csp_replace = {"script-src": [SELF, f"'sha256-{digest}'"]}  # type: ignore[attr-defined] # of django-csp
    response["Permissions-Policy"] = PERMISSIONS_POLICY
    response["Cache-Control"] = "no-cache"
    response["X-Robots-Tag"] = "noindex"
    return response


@require_safe
def worker(request: PageRequest) -> HttpResponse:
    """The service worker. Browsers compare it byte by byte, so that a new file or a new shell makes it a new one."""
    if settings.DEBUG:
        _worker.cache_clear()  # files change while the server runs
    response = HttpResponse(_worker(), content_type="text/javascript; charset=utf-8")
    response["Cache-Control"] = "no-cache"
    response["Service-Worker-Allowed"] = reverse("chat:chat")
    return response


def _shell() -> str:
    # Rendered without the request: no message of its session is used up, and no CSRF cookie is set.
    site = context.site(HttpRequest())  # type: ignore[arg-type]
    return render_to_string("chat/chat.html", site | {"offline_shell": True, "setup": site_setup()})


@cache
def _worker() -> str:
    names = {*FILES, *IMPORTS.values(), *(name for name in files() if name.endswith((".css", ".woff2")))}
    release = {
        "page": reverse("chat:chat"),
        "shell": reverse("chat-shell"),
        "files": sorted(static(name) for name in names),
        # Whether a file's name tells its content, so that a copy of it is never old.
        "hashed": not settings.DEBUG,
    }
    content = json.dumps(release) + _shell() + SOURCE.read_text()
    release["version"] = hashlib.sha256(content.encode()).hexdigest()[:16]
    return f"const RELEASE = {json.dumps(release)};\n{SOURCE.read_text()}"
