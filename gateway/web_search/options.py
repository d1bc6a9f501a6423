"""What a request asks of a web search."""

from typing import Annotated

import msgspec
from msgspec import Meta

from common.errors import InvalidRequest
from gateway.protocols.chat_completions.request import ChatRequest
from gateway.routing.model_names import is_online

__all__ = ["MOST_RESULTS", "Options", "options_of"]

#: The most results that a request may ask for.
MOST_RESULTS = 25

#: A domain, a wildcard (`*.example.com`) or a domain with a path (`example.com/blog`).
Domains = Annotated[list[Annotated[str, Meta(min_length=1, max_length=300)]], Meta(max_length=100)]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """How to search. `:online` means the defaults."""

    max_results: Annotated[int, Meta(ge=1, le=MOST_RESULTS)] = 5
    search_prompt: Annotated[str, Meta(max_length=4000)] = ""  # what the model is told instead of the usual
    engine: Annotated[str, Meta(max_length=50)] = ""  # empty: the site's
    include_domains: Domains = []
    exclude_domains: Domains = []


def options_of(request: ChatRequest, default_model: str) -> Options | None:
    """How the request wants to search the web; None when it does not.

    The plugin decides, `"enabled": false` as well; without it, `:online` on any of the models asked for.
    `default_model` answers when the request names none. Raises InvalidRequest for options that make no sense.
    """
    for index, plugin in enumerate(request.body.get("plugins") or ()):
        if plugin.get("id") == "web":
            return None if plugin.get("enabled") is False else _checked(plugin, index)
    names = [name for name in (request.model, *request.models) if name] or [default_model]
    return Options() if any(is_online(name) for name in names) else None


def _checked(plugin: dict[str, object], index: int) -> Options:
    given = {name: value for name, value in plugin.items() if value is not None}
    try:
        return msgspec.convert(given, Options)
    except msgspec.ValidationError as error:
        place = str(error).replace("`$", f"`$.plugins[{index}]")
        raise InvalidRequest(f"Invalid request parameters: {place}") from error
