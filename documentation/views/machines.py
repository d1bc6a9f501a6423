"""The site for programs: the documentation as text, the OpenAPI document, and the map for crawlers."""

from urllib.parse import quote
from xml.sax.saxutils import escape

from django.conf import settings
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from api.router import api
from common.web.http import PageRequest
from documentation.library import current
from models_catalog import catalog

from .revalidation import text_response

#: Pages of the site without a sign-in, by the names of their routes.
PUBLIC_PAGES = (
    "home",
    "models_catalog:models",
    "models_catalog:providers",
    "pricing",
    "support",
    "status",
    "terms",
    "privacy",
)


@require_safe
def llms(request: PageRequest) -> HttpResponse:
    """The contents of the documentation, with links to its pages as Markdown (llmstxt.org)."""
    parts = [f"# {settings.SITE_NAME}", f"> {_summary()}"]
    for group in current().groups:
        lines = [f"- [{page.title}]({settings.SITE_URL}{page.url}.md): {page.summary}" for page in group.pages]
        parts.append("\n".join([f"## {group.title}\n", *lines]))
    more = [f"- [OpenAPI document]({_address('openapi')})", f"- [Everything in one file]({_address('llms-full')})"]
    parts.append("\n".join(["## Optional\n", *more]))
    return text_response(request, "\n\n".join(parts) + "\n", "text/plain")


@require_safe
def llms_full(request: PageRequest) -> HttpResponse:
    """The whole documentation in one text."""
    parts = [f"# {settings.SITE_NAME}\n\n> {_summary()}\n"]
    for page in current().pages:
        parts.append(f"# {page.title}\n\n{settings.SITE_URL}{page.url}\n\n> {page.summary}\n\n{page.markdown}")
    return text_response(request, "\n".join(parts), "text/plain")


@require_safe
def openapi(request: PageRequest) -> HttpResponse:
    """The OpenAPI document, as at `/api/v1/openapi.json`."""
    response = api.create_response(request, api.get_openapi_schema(), status=200)
    response["Access-Control-Allow-Origin"] = "*"
    return response


@require_safe
def sitemap(request: PageRequest) -> HttpResponse:
    """The public pages: those of the site, the models, their authors and providers, and the documentation."""
    known = catalog.current()
    paths = [reverse(name) for name in PUBLIC_PAGES]
    paths += [f"/{quote(model_id, safe='/:~')}" for model_id in known.models]
    paths += [reverse("models_catalog:author", args=[author]) for author in known.authors]
    paths += [reverse("models_catalog:provider", args=[slug]) for slug in known.offering_providers]
    paths += [page.url for page in current().pages]
    lines = "\n".join(f"<url><loc>{escape(settings.SITE_URL + path)}</loc></url>" for path in paths)
    body = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{lines}\n</urlset>\n'
    )
    return text_response(request, body, "application/xml")


def _summary() -> str:
    return f"One API for the AI models of many providers, at {settings.SITE_URL}/api/v1, with fallback between them."


def _address(name: str) -> str:
    return f"{settings.SITE_URL}{reverse(name)}"
