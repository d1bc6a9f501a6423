"""Pages of the site itself: theme, terms, privacy, manifest, and the overview of components."""

from django.conf import settings
from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render, resolve_url
from django.templatetags.static import static
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_GET, require_POST, require_safe

from common.web.http import PageRequest

from .styleguide import examples

#: The mark in the shapes that systems ask for (`scripts/icons.py` makes the rasters), as in the manifest.
ICONS = {
    "mark.svg": {"sizes": "any", "type": "image/svg+xml", "purpose": "any"},
    "icon-192.png": {"sizes": "192x192", "type": "image/png", "purpose": "any"},
    "icon-512.png": {"sizes": "512x512", "type": "image/png", "purpose": "any"},
    "icon-maskable-512.png": {"sizes": "512x512", "type": "image/png", "purpose": "maskable"},
}
THEMES = {"light", "dark"}  # anything else follows the system
THEME_SECONDS = 365 * 24 * 3600


@require_POST
def theme(request: PageRequest) -> HttpResponse:
    """Set the theme and return to the previous page. Scripts set the same cookie."""
    response = HttpResponseRedirect(back(request))
    set_theme(response, request.POST.get("theme", ""))
    return response


def set_theme(response: HttpResponse, chosen: str) -> None:
    """Keep the theme in this browser's cookie, from which the server writes pages; not "light" or "dark": no cookie."""
    if chosen in THEMES:
        secure = settings.SESSION_COOKIE_SECURE
        response.set_cookie("theme", chosen, max_age=THEME_SECONDS, samesite="Lax", secure=secure)
    else:
        response.delete_cookie("theme", samesite="Lax")


@require_GET
def terms(request: PageRequest) -> HttpResponse:
    """The operator's terms of service."""
    return render(request, "site/terms.html", {"refund_hours": settings.REFUND_WINDOW_HOURS})


@require_GET
def privacy(request: PageRequest) -> HttpResponse:
    """The privacy policy."""
    return render(request, "site/privacy.html")


@require_GET
def manifest(request: PageRequest) -> JsonResponse:
    """The web app manifest: installed, the site opens with the chat."""
    body = {
        "name": settings.SITE_NAME,
        "short_name": settings.SITE_NAME[:12],
        "id": resolve_url("chat:chat"),
        "start_url": resolve_url("chat:chat"),
        "scope": resolve_url("home"),
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": "#ffffff",  # pages name theirs, for light and dark
        "icons": [{"src": static(f"img/{name}"), **icon} for name, icon in ICONS.items()],
    }
    return JsonResponse(body, content_type="application/manifest+json")


@require_GET
def favicon(request: PageRequest) -> HttpResponse:
    """Redirect the legacy icon path to the site's icon."""
    return HttpResponseRedirect(static("img/mark.svg"))


@require_safe
def robots(request: PageRequest) -> HttpResponse:
    """Tell crawlers which paths are not for them: what needs an account, and searches without end."""
    return render(request, "site/robots.txt", content_type="text/plain")


@require_GET
def styleguide(request: PageRequest) -> HttpResponse:
    """All components in every state. Only in development."""
    if not settings.DEBUG:
        raise Http404
    return render(request, "site/styleguide.html", examples())


def back(request: PageRequest) -> str:
    """Return the posted `next` if it is a page of this site, otherwise the home page."""
    target = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(target, {request.get_host()}, require_https=request.is_secure()):
        return target
    return resolve_url("home")
