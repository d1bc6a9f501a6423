"""All pages in their order: read from `pages/`, completed with this site's facts, rendered once per process."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path

from django.conf import settings
from django.urls import reverse

from .rendering.markdown import Rendered, rendered
from .sources import reference
from .sources.placeholders import fill, values

__all__ = ["FOLDER", "MOVED", "Group", "Library", "Page", "current"]

FOLDER = Path(__file__).parent / "pages"
#: The sidebar: groups of pages, in the order in which they are read.
ORDER = (
    ("Get started", ("quickstart", "models", "frameworks", "faq", "principles")),
    ("Requests", ("streaming", "routing", "limits", "errors", "app-attribution")),
    ("Account", ("api-keys", "byok", "oauth", "organizations", "privacy", "broadcast")),
    ("More", ("for-providers", "volume", "support")),
)
#: Addresses that other guides link to, and the pages here.
MOVED = {
    "api-reference/overview": "api-reference",
    "api-reference/authentication": "api-keys",
    "api-reference/errors": "errors",
    "api-reference/get-credits": "api-reference/credits",
    "api-reference/limits": "limits",
    "api-reference/list-available-models": "api-reference/models",
    "api-reference/streaming": "streaming",
    "community/frameworks-and-integrations-overview": "frameworks",
    "community/open-ai-sdk": "frameworks",
    "features/broadcast": "broadcast",
    "features/model-routing": "routing",
    "features/privacy-and-logging": "privacy",
    "features/provider-routing": "routing",
    "features/provisioning-api-keys": "api-keys",
    "use-cases/byok": "byok",
    "use-cases/for-providers": "for-providers",
    "use-cases/oauth-pkce": "oauth",
    "use-cases/organization-management": "organizations",
}


@dataclass(frozen=True)
class Page:
    """One page. `text` returns its summary and its Markdown; `file` is empty for a page that no file has."""

    slug: str
    title: str
    group: str
    text: Callable[[], tuple[str, str]]
    file: str = ""
    questions: bool = False

    @cached_property
    def summary(self) -> str:
        """The subject of the page, in a sentence."""
        return self.text()[0]

    @cached_property
    def markdown(self) -> str:
        """The text of the page, with this site's facts."""
        return self.text()[1]

    @property
    def url(self) -> str:
        """The path of the page."""
        return reverse("docs-page", args=[self.slug])

    @property
    def edit_url(self) -> str:
        """The address where the page's file is edited; empty if it has none, or the repository is not known."""
        if not settings.REPOSITORY_URL or not self.file:
            return ""
        return f"{settings.REPOSITORY_URL}/edit/main/documentation/pages/{self.file}"

    @cached_property
    def content(self) -> Rendered:
        """The page as HTML, with its headings and sections."""
        return rendered(self.markdown, questions=self.questions)


@dataclass(frozen=True)
class Group:
    """A group of the sidebar."""

    title: str
    pages: tuple[Page, ...]


@dataclass(frozen=True, eq=False)
class Library:
    """All pages. `fragments` holds what views have rendered of them."""

    groups: tuple[Group, ...]
    fragments: dict[str, str] = field(default_factory=dict)

    @cached_property
    def pages(self) -> tuple[Page, ...]:
        """The pages in the order in which they are read."""
        return tuple(page for group in self.groups for page in group.pages)

    @cached_property
    def by_slug(self) -> dict[str, Page]:
        """The pages by slug."""
        return {page.slug: page for page in self.pages}

    def neighbors(self, page: Page) -> tuple[Page | None, Page | None]:
        """Return (the page before, the page after)."""
        at = self.pages.index(page)
        after = self.pages[at + 1] if at + 1 < len(self.pages) else None
        return (self.pages[at - 1] if at else None), after


def current() -> Library:
    """Return the pages with the facts of this moment. While developing, changed files are read again."""
    changed = max(path.stat().st_mtime_ns for path in FOLDER.glob("*.md")) if settings.DEBUG else 0
    return _library(tuple(values().items()), changed)


@lru_cache(maxsize=4)
def _library(facts: tuple[tuple[str, str], ...], _: int) -> Library:
    by_name = dict(facts)
    groups = [Group(title, tuple(_read(slug, title, by_name) for slug in slugs)) for title, slugs in ORDER]
    overview = _read("api-reference", "API reference", by_name)
    described = (
        Page(slug=f"api-reference/{each.slug}", title=each.title, group="API reference", text=each.text)
        for each in reference.chapters()
    )
    groups.insert(-1, Group("API reference", (overview, *described)))
    return Library(tuple(groups))


def _read(slug: str, group: str, facts: Mapping[str, str]) -> Page:
    """Return the page in a file: lines `name: value` between two `---`, then Markdown."""
    file = f"{slug}.md"
    _, head, body = (FOLDER / file).read_text(encoding="utf-8").split("---\n", 2)
    about = dict(line.split(": ", 1) for line in fill(head, facts).splitlines() if line)
    text = (about["summary"], fill(body, facts).strip() + "\n")
    return Page(slug, about["title"], group, lambda: text, file=file, questions=about.get("questions") == "yes")
