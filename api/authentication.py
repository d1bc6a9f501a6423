"""Authentication by API key."""

from django.http import HttpRequest

from keys import authentication

__all__ = ["by_key"]


def by_key(request: HttpRequest) -> authentication.KeyIdentity:
    """Return the identity of the request's key, of either kind; it becomes `request.auth`. Raises NotAuthenticated."""
    return authentication.authenticate_sync(request.headers.get("Authorization"), request.headers.get("X-Api-Key"))
