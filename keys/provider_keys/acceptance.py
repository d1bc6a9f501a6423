"""Testing a key at its provider before it is saved."""

from django.views.decorators.debug import sensitive_variables

from common.errors import InvalidRequest

from . import directory
from .secrets import checked

__all__ = ["require_accepted"]


@sensitive_variables("secret")
def require_accepted(provider: str, secret: str) -> directory.Tested:
    """Ask the provider whether it takes the key, and return what came back; blocks, outside of any transaction.

    Raises InvalidRequest for a key that the provider rejects, for one that is plainly malformed or of another provider,
    and for a provider that takes no keys here. A provider that can't be asked, or that answers with another error,
    rejects nothing: the result says so.
    """
    if provider not in directory.current().providers():
        raise InvalidRequest("Unknown provider, or one that takes no keys of your own here.")
    tested = directory.current().test(provider, checked(secret, provider))
    if tested.is_rejected:
        raise InvalidRequest(f"{tested.text} It was not saved.")
    return tested
