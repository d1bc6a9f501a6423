"""Pages of the documentation, and the search in it."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.cache import patch_vary_headers
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_safe

from common.web.http import PageRequest
from documentation.library import MOVED, Library, Page, current
from documentation.search import LONGEST_QUERY, found

from .revalidation import html_response, text_response


@require_safe
def start(request: PageRequest) -> HttpResponse:
    """Redirect to the first page."""
    return redirect(current().pages[0].url)


@require_safe
def page(request: PageRequest, slug: str) -> HttpResponse:
    """One page; with `.md` at the end of its address, as Markdown."""
    library = current()
    name = slug.rstrip("/")
    if name in MOVED or (name != slug and name in library.by_slug):
        return redirect(library.by_slug[MOVED.get(name, name)].url, permanent=True)
    if slug.endswith(".md") and (plain := library.by_slug.get(slug.removesuffix(".md"))):
        return text_response(request, f"# {plain.title}\n\n> {plain.summary}\n\n{plain.markdown}", "text/markdown")
    shown = library.by_slug.get(slug)
    if shown is None:
        raise Http404("No such page of the documentation.")
    context = {"page": shown, "rendered": mark_safe(_fragment(library, shown))}  # noqa: S308 rendered by a template
    return html_response(request, render(request, "documentation/page.html", context))


def _fragment(library: Library, shown: Page) -> str:
    """Return the sidebar, the text and the contents of a page, which are the same for every visitor."""
    if shown.slug not in library.fragments:
        before, after = library.neighbors(shown)
        context = {"page": shown, "groups": library.groups, "before": before, "after": after}
        library.fragments[shown.slug] = render_to_string("documentation/partials/page.html", context)
    return library.fragments[shown.slug]


@require_safe
def search(request: PageRequest) -> HttpResponse:
    """The sections that have the words of `q`; htmx asks for the list alone while they are typed."""
    query = " ".join(request.GET.get("q", "").replace("\x00", "").split())[:LONGEST_QUERY]
    library = current()
    context = {"query": query, "hits": found(library, query), "groups": library.groups}
    template = "documentation/partials/hits.html" if request.htmx else "documentation/search.html"
    response = render(request, template, context)
    patch_vary_headers(response, ["HX-Request"])
    response["X-Robots-Tag"] = "noindex"
    return response
