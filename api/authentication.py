"""Authentication by API key."""

from django.http import HttpRequest
from ninja.security.base import AuthBase

from keys import authentication

__all__ = ["by_key", "by_management_key"]


class ByKey(AuthBase):
    """Authenticates a key of either kind. Its identity becomes `request.auth`.

    Raises NotAuthenticated, and PermissionDenied if the key may not be used from the client's address.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"

    def __call__(self, request: HttpRequest) -> authentication.KeyIdentity:
        return authentication.authenticate_sync(
            request.headers.get("Authorization"),
            request.headers.get("X-Api-Key"),
            address=request.META.get("REMOTE_ADDR"),
        )


class ByManagementKey(ByKey):
    """Authenticates a management key. Raises PermissionDenied for an API key."""

    def __call__(self, request: HttpRequest) -> authentication.KeyIdentity:
        identity = super().__call__(request)
        authentication.require_management(identity)
        return identity


by_key = ByKey()
by_management_key = ByManagementKey()
