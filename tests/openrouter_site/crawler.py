"""Follow the links of the site's pages with Django's test client, and say which lead nowhere."""

from collections import Counter, defaultdict, deque
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit, urlunsplit

from django.contrib.staticfiles import finders
from django.test import Client
from django.urls import Resolver404, resolve

#: The attributes that a browser loads or follows, by tag; `hx-get` of any tag as well.
ADDRESSES = {
    "a": ("href",), "link": ("href",), "script": ("src",), "img": ("src",), "source": ("src",), "use": ("href",),
}  # fmt: skip
ORIGIN = "http://testserver"
MOST_REDIRECTS = 5
CATCH_ALL = "models_catalog"


class Link(NamedTuple):
    """An address as a page names it."""

    address: str
    changes: bool = False  # the action of a form that changes something: only its route is looked up


class Page(HTMLParser):
    """The links of an HTML page, and the IDs that a fragment can name."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[Link] = []
        self.ids: set[str] = set()
        self.is_whole = "<html" in html  # not a part that a script puts into a page, where its fragments lead
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = {name: value or "" for name, value in attrs}
        self.ids.update(given[name] for name in ("id", "name") if name in given and (name == "id" or tag == "a"))
        self.links += [Link(given[name]) for name in (*ADDRESSES.get(tag, ()), "hx-get") if name in given]
        self.links += [Link(each.split()[0]) for each in given.get("srcset", "").split(",") if each.strip()]
        self.links += [Link(given[name], changes=True) for name in ("formaction", "hx-post") if name in given]
        method = given.get("method", "get").lower()
        if tag == "form" and "action" in given and method != "dialog":
            self.links.append(Link(given["action"], changes=method != "get"))


class Crawler:
    """Visits what can be reached from a page, each route of the site a few times at most.

    Addresses with a query string count apart: one of a route for each set of parameters.
    """

    def __init__(self, client: Client, start: str, *, per_route: int = 2, with_query: int = 3) -> None:
        self.client = client
        self.start = start
        self.per_route = per_route
        self.with_query = with_query
        self.broken: list[str] = []
        self._sources: dict[str, str] = {}  # address without its fragment -> the page that named it first
        self._waiting: deque[str] = deque()
        self._ids: dict[str, set[str]] = {}  # address -> the IDs of the HTML page there
        self._fragments: dict[tuple[str, str], str] = {}  # address and fragment -> the page that named it first
        self._visits: Counter[str] = Counter()
        self._parameters: dict[str, set[frozenset[str]]] = defaultdict(set)

    @property
    def routes(self) -> set[str]:
        """The routes that were visited."""
        return {*self._visits, *self._parameters}

    def crawl(self) -> None:
        """Visit the start and what it leads to below it; `broken` then has a line for each link that leads nowhere."""
        self._meet(self.start, "the start")
        while self._waiting:
            self._visit(self._waiting.popleft())
        for (address, fragment), source in self._fragments.items():
            if address in self._ids and unquote(fragment) not in self._ids[address]:
                self.broken.append(f"{address}#{fragment} on {source}: no such ID")

    def _visit(self, address: str) -> None:
        response, final = self.client.get(address), address
        for _ in range(MOST_REDIRECTS):
            if not 300 <= response.status_code < 400:
                break
            final = urljoin(final, response["Location"])
            if urlsplit(final).netloc:
                return  # another site's
            response = self.client.get(final)
        if response.status_code >= 300:
            self.broken.append(f"{address} on {self._sources[address]}: {response.status_code}")
        elif response["Content-Type"].startswith("text/html"):
            page = Page(response.content.decode())
            if page.is_whole:
                self._ids[address] = page.ids
            for link in page.links:
                self._follow(link, final, address)

    def _follow(self, link: Link, base: str, source: str) -> None:
        whole = urlsplit(urljoin(ORIGIN + base, link.address.strip()))
        if f"{whole.scheme}://{whole.netloc}" != ORIGIN:
            return
        address = urlunsplit(("", "", whole.path, whole.query, ""))
        if whole.fragment:
            itself = address == base.partition("#")[0]
            self._fragments.setdefault((source if itself else address, whole.fragment), source)
        if whole.path.startswith("/static/"):
            self._check_file(whole.path, source)
        elif link.changes or not whole.path.startswith(self.start):
            self._route(whole.path, source, changes=link.changes)
        else:
            self._meet(address, source)

    def _meet(self, address: str, source: str) -> None:
        """Have the address visited, unless it or enough others like it have been met."""
        if address in self._sources:
            return
        path, _, query = address.partition("?")
        if (route := self._route(path, source)) is None:
            return
        if names := frozenset(name for name, _ in parse_qsl(query, keep_blank_values=True)):
            met = self._parameters[route]
            if names in met or len(met) >= self.with_query:
                return
            met.add(names)
        elif self._visits[route] >= self.per_route:
            return
        else:
            self._visits[route] += 1
        self._sources[address] = source
        self._waiting.append(address)

    def _route(self, path: str, source: str, *, changes: bool = False) -> str | None:
        try:
            found = resolve(path)
        except Resolver404:
            found = None
        # The last routes take any path of two parts, for reading only.
        if found is None or (changes and found.app_name == CATCH_ALL):
            self.broken.append(f"{path} on {source}: no such route")
            return None
        return found.route

    def _check_file(self, path: str, source: str) -> None:
        if path not in self._sources:
            self._sources[path] = source
            if finders.find(unquote(path.removeprefix("/static/"))) is None:
                self.broken.append(f"{path} on {source}: no such file")
