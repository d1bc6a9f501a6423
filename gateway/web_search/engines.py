"""The search engine of this site. To add one, write a module with a `search` like the one in `exa.py`."""

from collections.abc import Awaitable, Callable, Mapping

import msgspec
from django.conf import settings

from common.errors import InvalidRequest, NotFound

from . import exa
from .options import Options
from .result import Result

__all__ = ["Engine", "Result", "engine_for"]

#: (base URL, key, query, options, additional headers) -> results, best first. Raises ProviderFailure.
SearchFunction = Callable[[str, str, str, Options, Mapping[str, str]], Awaitable[list[Result]]]


class Engine(msgspec.Struct, frozen=True):
    """A search engine that this site uses."""

    name: str  # in settings and in the database
    title: str  # in texts
    base_url: str
    api_key: str
    search: SearchFunction
    simulated: bool = False


def engine_for(requested: str) -> Engine:
    """The site's engine, if it is the requested one (empty: any).

    Raises NotFound when the site has no engine, InvalidRequest when it has another.
    """
    engine = _configured()
    if engine is None:
        raise NotFound(
            "Web search is not enabled on this site. Remove `:online` and the `web` plugin.",
            metadata={"plugin": "web"},
        )
    if requested.lower() not in {"", "auto", "exa", engine.name}:
        raise InvalidRequest(
            f'This site searches the web with Exa, not with {requested}. Remove `engine` or set it to "exa".',
            metadata={"plugin": "web"},
        )
    return engine


def _configured() -> Engine | None:
    match settings.WEB_SEARCH_ENGINE:
        case "exa" if settings.EXA_API_KEY:
            return Engine("exa", "Exa", settings.EXA_BASE_URL, settings.EXA_API_KEY, exa.search)
        case "sandbox" if settings.SANDBOX_PROVIDERS_URL:
            base_url = f"{settings.SANDBOX_PROVIDERS_URL}/exa"
            return Engine("sandbox", "Exa, simulated", base_url, "sandbox", exa.search, simulated=True)
    return None
