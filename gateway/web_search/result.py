"""One page found by a search, whatever the engine."""

import msgspec

__all__ = ["Result"]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A page: `content` is the part of its text that matches the query, `published` a date or empty."""

    title: str
    url: str  # http or https
    content: str
    published: str = ""
