"""The door of `keys`: which key is a program showing, and what may it do?

`authenticate` is what every API request starts with. It answers from memory for a moment, so that a
busy key costs no query: a key that is disabled or deleted is refused everywhere within `USABLE_S`.
Admission reads the key's row again under a lock, so its limit is never taken from here.
"""

import hashlib
import re
import secrets
import threading
import time
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings

from common.clock import utc_now
from common.errors import NotAuthenticated, PermissionDenied

from .models import ApiKey

__all__ = [
    "KeyIdentity",
    "authenticate",
    "authenticate_sync",
    "forget",
    "hash_of",
    "label_of",
    "new_secret",
    "require_inference",
    "require_management",
]

#: Seconds for which an answer needs no query, and after which nobody may rely on it any more. Between
#: the two, one caller asks the database and the others go on with what is known.
FRESH_S = 1.0
USABLE_S = 1.8
#: Keys remembered per process; the ones remembered longest ago make room.
MOST_REMEMBERED = 20_000

PREFIX = "sk-or-v1-"
_SECRET = re.compile(PREFIX + "[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class KeyIdentity:
    """A key that was shown and is good. `created_by` is a user's id, or 0."""

    key_id: int
    organisation_id: int
    created_by: int
    is_management: bool
    hash: str
    name: str


@dataclass(frozen=True, slots=True)
class _Remembered:
    identity: KeyIdentity
    fresh_until: float  # time.monotonic(), seconds
    usable_until: float


_remembered: dict[str, _Remembered] = {}
_remembering = threading.Lock()


def new_secret() -> str:
    """A new key: `sk-or-v1-` and 64 hexadecimal digits (256 bits)."""
    return PREFIX + secrets.token_hex(32)


def hash_of(secret: str) -> str:
    """The SHA-256 of the whole key, in lowercase hexadecimal. Unsalted on purpose: clients compute it for links."""
    return hashlib.sha256(secret.encode()).hexdigest()


def label_of(secret: str) -> str:
    """What may be shown of a key: `sk-or-v1-0e6...1c96`."""
    return f"{PREFIX}{secret[len(PREFIX) :][:3]}...{secret[-4:]}"


async def authenticate(authorization: str | None, x_api_key: str | None = None) -> KeyIdentity:
    """The identity behind the request's headers; NotAuthenticated (401) says what is wrong and how to mend it."""
    key_hash = hash_of(_secret_in(authorization, x_api_key))
    now = time.monotonic()
    if known := _recall(key_hash, now):
        return known
    return _remember(await ApiKey.objects.filter(hash=key_hash).afirst(), key_hash, now)


def authenticate_sync(authorization: str | None, x_api_key: str | None = None) -> KeyIdentity:
    """As `authenticate`, for code that does not run in an event loop."""
    key_hash = hash_of(_secret_in(authorization, x_api_key))
    now = time.monotonic()
    if known := _recall(key_hash, now):
        return known
    return _remember(ApiKey.objects.filter(hash=key_hash).first(), key_hash, now)


def require_inference(identity: KeyIdentity) -> None:
    """PermissionDenied (403) for a management key: it manages keys and runs nothing."""
    if identity.is_management:
        raise PermissionDenied(
            f"Management keys cannot be used for inference. Make an API key at {settings.SITE_URL}/settings/keys"
        )


def require_management(identity: KeyIdentity) -> None:
    """PermissionDenied (403) for a key that is not a management key."""
    if not identity.is_management:
        raise PermissionDenied("Only management keys can perform this operation")


def forget(key_hash: str) -> None:
    """Refuse a changed key in this process at once; other processes notice within `USABLE_S`."""
    with _remembering:
        _remembered.pop(key_hash, None)


def _refusal(problem: str) -> NotAuthenticated:
    return NotAuthenticated(f"{problem} Make a key at {settings.SITE_URL}/settings/keys")


def _secret_in(authorization: str | None, x_api_key: str | None) -> str:
    shown = (authorization or "").strip()
    if shown:
        scheme, *rest = shown.split(maxsplit=1)
        if scheme.lower() != "bearer":
            raise _refusal("The Authorization header must read: Bearer <key>.")
        secret = "".join(rest)
    else:
        secret = (x_api_key or "").strip()
        if not secret:
            raise _refusal("Missing Authentication header: send Authorization: Bearer <key>.")
    if not _SECRET.fullmatch(secret):
        raise _refusal("This is not an API key of ours: they start with sk-or-v1- and have 64 digits after that.")
    return secret


def _recall(key_hash: str, now: float) -> KeyIdentity | None:
    known = _remembered.get(key_hash)
    if known is None or now >= known.usable_until:
        return None
    if now < known.fresh_until:
        return known.identity
    # This caller asks the database; meanwhile the others need not, until nobody may rely on it any more.
    with _remembering:
        if _remembered.get(key_hash) is known:
            _remembered[key_hash] = _Remembered(known.identity, known.usable_until, known.usable_until)
    return None


def _remember(key: ApiKey | None, key_hash: str, asked_at: float) -> KeyIdentity:
    moment = utc_now()
    if key is None or (problem := _problem_with(key, moment)):
        forget(key_hash)
        raise _refusal(problem if key is not None else "This API key does not exist.")
    identity = KeyIdentity(
        key_id=key.pk,
        organisation_id=key.organisation_id,
        created_by=key.created_by_id or 0,
        is_management=key.is_management,
        hash=key.hash,
        name=key.name,
    )
    left = (key.expires_at - moment).total_seconds() if key.expires_at else USABLE_S
    known = _Remembered(identity, asked_at + min(FRESH_S, left), asked_at + min(USABLE_S, left))
    with _remembering:
        _remembered.pop(key_hash, None)  # so that it goes to the end
        if len(_remembered) >= MOST_REMEMBERED:
            del _remembered[next(iter(_remembered))]
        _remembered[key_hash] = known
    return identity


def _problem_with(key: ApiKey, moment: datetime) -> str:
    if key.deleted_at is not None:
        return "This API key was deleted."
    if key.disabled:
        return "This API key is disabled: enable it, or use another."
    if key.expires_at is not None and key.expires_at <= moment:
        return "This API key has expired."
    return ""
