"""The door of `keys`: authenticates API keys.

Every API request starts with `authenticate`. It keeps keys in memory for a moment, so that a busy key costs no query.
A key that is disabled or deleted is refused by every process within USABLE_SECONDS. Admission reads the key's row again
under a lock, so its limit is never taken from here.
"""

import hashlib
import math
import re
import secrets
from dataclasses import dataclass

from django.conf import settings

from common.clock import utc_now
from common.errors import NotAuthenticated, PermissionDenied
from common.storage import database
from common.storage.fresh_cache import FreshCache
from common.storage.ready_queries import ReadyQuery, row_of

from .models import ApiKey
from .rules.restrictions import Restrictions, restrictions_of
from .rules.status import require_address, require_current, require_usable

__all__ = [
    "KeyIdentity",
    "authenticate",
    "authenticate_sync",
    "clear",
    "hash_of",
    "is_key",
    "label_of",
    "new_secret",
    "require_inference",
    "require_management",
    "secret_in",
]

#: Seconds for which a key needs no query, and after which it must be read again.
FRESH_SECONDS = 1.0
USABLE_SECONDS = 1.8

PREFIX = "sk-or-v1-"
_SECRET = re.compile(PREFIX + "[0-9a-f]{64}")
#: Keys that were imported from another gateway go on working, and look different.
_IMPORTED = re.compile(r"sk-(?!or-v1-)[\w-]{16,196}", re.ASCII)


@dataclass(frozen=True, slots=True)
class KeyIdentity:
    """An authenticated key. `created_by` is a user's ID, or 0."""

    key_id: int
    organisation_id: int
    created_by: int
    is_management: bool
    hash: str
    name: str
    app: str = ""  # the address of the app that it was made for
    restrictions: Restrictions | None = None


#: Keys by hash.
identities: FreshCache[str, KeyIdentity] = FreshCache(
    fresh_seconds=FRESH_SECONDS, usable_seconds=USABLE_SECONDS, max_size=20_000
)


def new_secret() -> str:
    """Return a new key: `sk-or-v1-` and 64 hexadecimal digits (256 bits)."""
    return PREFIX + secrets.token_hex(32)


def hash_of(secret: str) -> str:
    """Return the SHA-256 of the whole key in lowercase hexadecimal. Unsalted, because clients compute it for links."""
    return hashlib.sha256(secret.encode()).hexdigest()


def label_of(secret: str) -> str:
    """Return the part of a key that may be shown: `sk-or-v1-0e6...1c96`."""
    return f"{PREFIX}{secret[len(PREFIX) :][:3]}...{secret[-4:]}"


async def authenticate(
    authorization: str | None, x_api_key: str | None = None, *, address: str | None = None
) -> KeyIdentity:
    """Return the identity of the key in these headers.

    Raises NotAuthenticated (401) with the remedy, and PermissionDenied (403) if the key may not be used from the
    client's address.
    """
    secret = secret_in(authorization, x_api_key)
    key_hash = hash_of(secret)
    identity, stale = identities.lookup(key_hash)
    if identity is None or stale:
        read_at = identities.now()
        identity = _accepted(await database.run(_read, secret), key_hash, read_at)
    require_address(identity.restrictions, address)
    return identity


def authenticate_sync(
    authorization: str | None, x_api_key: str | None = None, *, address: str | None = None
) -> KeyIdentity:
    """Like `authenticate`, for code outside an event loop."""
    secret = secret_in(authorization, x_api_key)
    key_hash = hash_of(secret)
    identity, stale = identities.lookup(key_hash)
    if identity is None or stale:
        read_at = identities.now()
        identity = _accepted(_read(secret), key_hash, read_at)
    require_address(identity.restrictions, address)
    return identity


def require_inference(identity: KeyIdentity) -> None:
    """Raise PermissionDenied (403) for a management key."""
    if identity.is_management:
        raise PermissionDenied(
            f"Management keys cannot be used for inference. Create an API key at {settings.SITE_URL}/settings/keys"
        )


def require_management(identity: KeyIdentity) -> None:
    """Raise PermissionDenied (403) unless it is a management key."""
    if not identity.is_management:
        raise PermissionDenied("Only management keys can perform this operation")


def clear(*key_hashes: str) -> None:
    """Read a changed key again in this process. Other processes notice within USABLE_SECONDS."""
    for key_hash in key_hashes:
        identities.discard(key_hash)


def is_key(secret: str) -> bool:
    """Return whether the text has the form of a key, of this site or imported."""
    return bool(_SECRET.fullmatch(secret) or _IMPORTED.fullmatch(secret))


#: The fields that decide about a key, and those of its identity.
_FIELDS = (
    *("id", "organisation", "created_by", "is_management", "hash", "name", "app"),
    *("disabled", "deleted_at", "expires_at", "previous_hash", "previous_hash_expires_at"),
    *("allowed_ips", "allowed_models", "requests_per_minute", "tokens_per_minute"),
)
_keys = ReadyQuery(lambda key_hash: ApiKey.objects.with_hash(key_hash).values_list(*_FIELDS)[:1])


def _read(secret: str) -> ApiKey | None:
    """Return the row of a key; None if there is none. Raises NotAuthenticated for an unknown key of another site."""
    if found := _keys.rows(hash_of(secret)):
        return row_of(ApiKey, _FIELDS, found[0])
    if not _SECRET.fullmatch(secret):
        raise _malformed()
    return None


def _malformed() -> NotAuthenticated:
    return _refusal("Invalid API key. Keys start with sk-or-v1-, followed by 64 characters.")


def _refusal(problem: str) -> NotAuthenticated:
    return NotAuthenticated(f"{problem} Create a key at {settings.SITE_URL}/settings/keys")


def secret_in(authorization: str | None, x_api_key: str | None = None) -> str:
    """Return the key in these headers, as it was sent. Raises NotAuthenticated if there is none of the right form."""
    header = (authorization or "").strip()
    if header:
        scheme, *rest = header.split(maxsplit=1)
        if scheme.lower() != "bearer":
            raise _refusal("The Authorization header must read: Bearer <key>.")
        secret = "".join(rest)
    else:
        secret = (x_api_key or "").strip()
        if not secret:
            raise _refusal("Missing Authentication header: send Authorization: Bearer <key>.")
    if not is_key(secret):
        raise _malformed()
    return secret


def identity_of(key: ApiKey) -> KeyIdentity:
    """Return the identity of a key, usable or not."""
    return KeyIdentity(
        key_id=key.pk,
        organisation_id=key.organisation_id,
        created_by=key.created_by_id or 0,
        is_management=key.is_management,
        hash=key.hash,
        name=key.name,
        app=key.app,
        restrictions=restrictions_of(key),
    )


def _accepted(key: ApiKey | None, key_hash: str, read_at: float) -> KeyIdentity:
    """Return the identity of a usable key and keep it in memory. Raises NotAuthenticated otherwise."""
    moment = utc_now()
    try:
        require_usable(key, moment)
        assert key is not None
        require_current(key.previous_hash, key.previous_hash_expires_at, key_hash, moment)
    except NotAuthenticated:
        if identities.peek(key_hash) is not None:  # for unknown keys it would only disturb the reading of others
            clear(key_hash)
        raise
    identity = identity_of(key)
    ends = [key.expires_at, key.previous_hash_expires_at if key_hash == key.previous_hash else None]
    lifetime = min(((end - moment).total_seconds() for end in ends if end), default=math.inf)
    identities.put(key_hash, identity, read_at=read_at, lifetime=lifetime)
    return identity
