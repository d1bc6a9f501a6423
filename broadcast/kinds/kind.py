"""Parts that all kinds of destinations share: addresses, further headers, and masks for what is secret."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from yarl import URL

from broadcast.payloads.events import Event, traces
from broadcast.sending import Outgoing
from common.errors import InvalidRequest

__all__ = ["MASK", "Config", "Kind", "batch_body", "checked_headers", "checked_text", "checked_url", "masked_headers"]

#: The settings of a destination by name, as the API has them, with its secrets.
Config = dict[str, Any]
#: Shown in place of a secret. Sent back, it stands for the secret that is stored.
MASK = "********"

MAX_TEXT, MAX_HEADERS = 2000, 20
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
#: Headers that follow from the request itself.
_RESERVED = frozenset(
    {"host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection", "date"}
)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of destination.

    `checked` returns a complete configuration from what a customer sent, and raises InvalidRequest. `public` returns
    it with masks for its secrets. `outgoing` returns the request that sends a batch at this moment.
    """

    checked: Callable[[Mapping[str, Any]], Config]
    public: Callable[[Config], Config]
    outgoing: Callable[[Config, Sequence[Event], datetime], Outgoing]


def batch_body(events: Sequence[Event]) -> bytes:
    """Return the events as one OTLP request in JSON."""
    return traces(events, settings.SITE_NAME)


def checked_url(given: Any, field: str) -> str:
    """Return an address with http or https, encoded. Raises InvalidRequest."""
    text = checked_text(given, field)
    try:
        parts, url = urlsplit(text), URL(text)
        sound = url.scheme in {"http", "https"} and bool(url.host) and url.port is not None and parts.port != 0
    except ValueError:
        sound = False
    if not sound:
        raise InvalidRequest(f"{field}: enter an address that starts with https:// or http://.")
    if url.user is not None or url.password is not None:
        raise InvalidRequest(f"{field}: put user name and password into a header, not into the address.")
    return str(url.with_fragment(None))


def checked_text(given: Any, field: str, *, required: bool = True) -> str:
    """Return a text of one line. Raises InvalidRequest."""
    if given is None and not required:
        return ""
    text = given.strip() if isinstance(given, str) else None
    if text is None or len(text) > MAX_TEXT or not text.isprintable() or (required and not text):
        raise InvalidRequest(f"{field}: enter one line of at most {MAX_TEXT:,} characters.")
    return text


def checked_headers(given: Any, *, reserved: str = "") -> dict[str, str]:
    """Return further headers; `reserved` is a prefix of names that are not free. Raises InvalidRequest."""
    if given is None:
        return {}
    if not isinstance(given, dict) or len(given) > MAX_HEADERS:
        raise InvalidRequest(f"headers: enter an object of at most {MAX_HEADERS} names and values.")
    found = {}
    for name, value in given.items():
        if not _HEADER.fullmatch(name):
            raise InvalidRequest(f"headers: {name[:100]!r} is not the name of a header.")
        if name.lower() in _RESERVED or (reserved and name.lower().startswith(reserved)):
            raise InvalidRequest(f"headers: {name} is set by this site. Leave it out.")
        text = checked_text(value, f"headers: {name}", required=False)
        if not text.isascii():
            raise InvalidRequest(f"headers: the value of {name} has characters that a header can't have.")
        found[name] = text
    return found


def masked_headers(config: Config) -> dict[str, str]:
    """Return the further headers, whose values may all be secret, with masks."""
    return dict.fromkeys(config.get("headers", {}), MASK)
