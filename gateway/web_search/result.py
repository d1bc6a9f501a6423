"""One page that a search has found, whichever engine found it."""

import msgspec

__all__ = ["Result"]


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """A page: `content` is the part of its text that fits the query, `published` a date or empty."""

    title: str
    url: str  # http or https
    content: str
    published: str = ""
