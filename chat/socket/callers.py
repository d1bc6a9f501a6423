"""The caller behind a request on the socket: the user, or one of their organization's API keys."""

from collections.abc import Mapping
from typing import Any

from accounts.models import Organisation, User
from common.errors import PermissionDenied
from gateway import completions
from gateway.callers import Caller
from keys.authentication import authenticate, require_inference

__all__ = ["caller_for"]


async def caller_for(
    user: User, organisation: Organisation, api_key: str | None, address: str | None, details: Mapping[str, Any]
) -> Caller:
    """Return the caller: the key with the secret `api_key`, or else the user. `details` are further fields of Caller.

    Raises NotAuthenticated (401) for an unusable key, and PermissionDenied (403) for a management key, one of another
    organization, and one that may not be used from `address`.
    """
    if api_key is None:
        return await completions.chat_caller(user, organisation, **details)
    identity = await authenticate(f"Bearer {api_key}", address=address)
    require_inference(identity)
    if identity.organisation_id != organisation.pk:
        raise PermissionDenied("This API key belongs to another organization. Switch to that organization to use it.")
    return await completions.key_caller(identity, **details)
