"""The options of a web search, from the `web` plugin, a tool or `:online`."""

from typing import Annotated

import msgspec
from msgspec import Meta

from common.errors import InvalidRequest
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.protocols.chat_completions.server_tools import wanted_search
from gateway.routing.model_names import is_online

__all__ = ["MAX_RESULTS", "Options", "options_of"]

#: The most results that a request may ask for.
MAX_RESULTS = 25

#: A domain, a wildcard (`*.example.com`) or a domain with a path (`example.com/blog`).
Domains = Annotated[list[Annotated[str, Meta(min_length=1, max_length=300)]], Meta(max_length=100)]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of one search. `:online` uses the defaults."""

    max_results: Annotated[int, Meta(ge=1, le=MAX_RESULTS)] = 5
    search_prompt: Annotated[str, Meta(max_length=4000)] = ""  # replaces the default instruction to the model
    engine: Annotated[str, Meta(max_length=50)] = ""  # empty: the engine of this site
    include_domains: Domains = []
    exclude_domains: Domains = []


def options_of(request: ChatRequest, default_model: str) -> Options | None:
    """The options of the request's web search; None when it has none.

    The `web` plugin decides, also with `"enabled": false`. Without the plugin, a search tool that the request clearly
    wants and `:online` on any requested model mean a search; `default_model` is the model when the request names none.
    Raises InvalidRequest for invalid options.
    """
    for index, plugin in enumerate(request.body.get("plugins") or ()):
        if plugin.get("id") == "web":
            return None if plugin.get("enabled") is False else _parsed(plugin, f"$.plugins[{index}]")
    if request.body.get("tools") and (search := wanted_search(request.body)) is not None:
        return _parsed(search[1], f"$.tools[{search[0]}]")
    names = [name for name in (request.model, *request.models) if name] or [default_model]
    return Options() if any(is_online(name) for name in names) else None


def _parsed(options: dict[str, object], place: str) -> Options:
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return msgspec.convert(given, Options)
    except msgspec.ValidationError as error:
        reason = str(error).replace("`$", f"`{place}")
        raise InvalidRequest(f"Invalid request parameters: {reason}") from error
