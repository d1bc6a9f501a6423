"""ALLOWED_HOSTS for the API and WebSockets; for pages, Django checks it."""

from functools import lru_cache

from django.conf import settings
from django.http.request import split_domain_port, validate_host
from starlette.types import Scope

from common.errors import InvalidRequest

__all__ = ["is_allowed", "wrong_host"]


def is_allowed(scope: Scope) -> bool:
    """Return whether the site serves the request's Host. Costs about a microsecond: it is on the path of inference."""
    for name, value in scope["headers"]:
        if name == b"host":
            return _is_allowed(value, tuple(settings.ALLOWED_HOSTS))
    return False


@lru_cache(maxsize=1024)
def _is_allowed(host: bytes, allowed: tuple[str, ...]) -> bool:
    domain, _ = split_domain_port(host.decode("latin-1"))
    return bool(domain) and validate_host(domain, allowed)


def wrong_host() -> InvalidRequest:
    """Return the API's error for a Host that the site does not serve."""
    return InvalidRequest(f"This site doesn't serve the host that the request names. Use {settings.SITE_URL}.")
