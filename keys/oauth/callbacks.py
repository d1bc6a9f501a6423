"""Addresses of apps that people connect: where they are sent back to, and which app that is. Pure.

The rules are OpenRouter's: HTTPS anywhere, HTTP on this computer with any port. RFC 6749, 3.1.2 forbids fragments.
"""

from urllib.parse import SplitResult, parse_qsl, urlencode, urlsplit, urlunsplit

from common.errors import InvalidRequest

__all__ = ["answered", "app_of", "checked"]

LONGEST = 2_000
_THIS_COMPUTER = frozenset({"localhost", "127.0.0.1"})


def checked(callback_url: str) -> str:
    """Return the address. Raises InvalidRequest (400), which names the fault, for one that no code may be sent to."""
    if len(callback_url) > LONGEST or not callback_url.isprintable() or "\\" in callback_url or " " in callback_url:
        raise InvalidRequest("callback_url must be a URL of at most 2,000 characters, without spaces or backslashes.")
    parts = _split(callback_url)
    if parts.fragment or callback_url.endswith("#"):
        raise InvalidRequest("callback_url must not have a fragment (the part after #).")
    if parts.username is not None or parts.password is not None:
        raise InvalidRequest("callback_url must not have a user name or a password.")
    if parts.scheme == "http" and parts.hostname not in _THIS_COMPUTER:
        raise InvalidRequest("callback_url must use https. Only localhost and 127.0.0.1 may use http.")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise InvalidRequest("callback_url must be an https URL, for example https://example.com/callback.")
    return callback_url


def app_of(callback_url: str) -> str:
    """Return the address of the app: the callback's scheme, host and port."""
    parts = _split(callback_url)
    return f"{parts.scheme}://{parts.netloc.lower()}"[:200]


def answered(callback_url: str, **answer: str) -> str:
    """Return the callback with these parameters added to its own."""
    parts = _split(callback_url)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in answer]
    return urlunsplit(parts._replace(query=urlencode([*kept, *answer.items()])))


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise InvalidRequest("callback_url is not a valid URL.") from error
    return parts
