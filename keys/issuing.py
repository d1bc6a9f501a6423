"""The second door of `keys`: creating, updating, rotating and deleting keys, for pages and the API."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypedDict, Unpack

from django.db import transaction

from accounts.models import Organisation, User
from common.clock import utc_now, window_start
from common.errors import Conflict
from common.money import PicoUsd

from . import authentication
from .models import ApiKey
from .provider_keys.changing import follow_rotation

__all__ = ["LONGEST_GRACE", "create", "delete", "end_grace", "rotate", "update"]

#: The longest time for which the old secret of a rotated key still works.
LONGEST_GRACE = timedelta(days=30)


class KeySettings(TypedDict, total=False):
    """The limits of a key. A missing setting keeps its default or its present value."""

    limit: PicoUsd | None
    limit_reset: str  # a value of `ApiKey.Reset`, or empty
    include_byok_in_limit: bool
    expires_at: datetime | None
    allowed_ips: list[str]  # of `restrictions.networks`
    allowed_models: list[str]  # of `restrictions.model_names`
    requests_per_minute: int | None
    tokens_per_minute: int | None
    max_concurrent_requests: int | None
    external_user: str


class NewKeySettings(KeySettings, total=False):
    """As `KeySettings`, and the address of the app that a person connects with the key."""

    app: str


SETTINGS = frozenset(KeySettings.__annotations__)
#: Fields that `update` may change. Settlement alone writes the counters.
CHANGEABLE = SETTINGS | {"name", "disabled"}


def create(
    organisation: Organisation,
    user: User | None,
    name: str,
    *,
    is_management: bool = False,
    **chosen: Unpack[NewKeySettings],
) -> tuple[ApiKey, str]:
    """Return a new key and its secret, which is stored nowhere: show it once."""
    _refuse_unknown(chosen.keys() - SETTINGS - {"app"})
    secret = authentication.new_secret()
    key = ApiKey.objects.create(
        organisation=organisation,
        created_by=user,
        name=name,
        hash=authentication.hash_of(secret),
        label=authentication.label_of(secret),
        is_management=is_management,
        **chosen,
    )
    return key, secret


@transaction.atomic
def update(key: ApiKey, *, by: int | None = None, **changes: Any) -> ApiKey:
    """Apply `changes` (see `CHANGEABLE`) and return the key. A new reset interval restarts the spend count.

    `by` is the ID of the user who changes it; None: the site does.
    """
    _refuse_unknown(changes.keys() - CHANGEABLE)
    now = utc_now()
    # Lock the row and write only these columns: a request may be settling on this key at the same time.
    locked = ApiKey.objects.select_for_update().get(pk=key.pk)
    if "limit_reset" in changes and changes["limit_reset"] != locked.limit_reset:
        reset = changes["limit_reset"]
        changes |= {
            "window_usage": 0,
            "window_byok_usage": 0,
            "window_started_at": window_start(reset, now) if reset else None,
        }
    changes |= {"updated_at": now, "updated_by_id": by}
    for field, value in changes.items():
        setattr(locked, field, value)
    locked.save(update_fields=changes.keys())
    transaction.on_commit(partial(authentication.clear, *locked.hashes))
    return locked


@transaction.atomic
def rotate(key: ApiKey, *, grace: timedelta, by: int | None = None) -> tuple[ApiKey, str]:
    """Give the key a new secret and return both. The present secret works until `grace` is over; an older one ends now.

    The secret is stored nowhere: show it once. Raises Conflict if the key was rotated since `key` was read, because the
    secret in use would stop working without a grace period.
    """
    locked = ApiKey.objects.select_for_update().get(pk=key.pk)
    if locked.hash != key.hash:
        raise Conflict("This API key was just rotated. Reload it before rotating it again.")
    forgotten = locked.hashes
    now, secret = utc_now(), authentication.new_secret()
    locked.previous_hash, locked.previous_hash_expires_at = locked.hash, now + min(grace, LONGEST_GRACE)
    locked.hash, locked.label = authentication.hash_of(secret), authentication.label_of(secret)
    locked.updated_at, locked.updated_by_id = now, by
    locked.save(
        update_fields=("hash", "label", "previous_hash", "previous_hash_expires_at", "updated_at", "updated_by")
    )
    follow_rotation(locked, key.hash)
    transaction.on_commit(partial(authentication.clear, *forgotten))
    return locked, secret


@transaction.atomic
def end_grace(key: ApiKey, *, by: int | None = None) -> None:
    """Refuse the secret before the last rotation from now on."""
    now = utc_now()
    ending = ApiKey.objects.filter(pk=key.pk, previous_hash_expires_at__gt=now)
    ending.update(previous_hash_expires_at=now, updated_at=now, updated_by=by)
    transaction.on_commit(partial(authentication.clear, *key.hashes))


@transaction.atomic
def delete(key: ApiKey) -> None:
    """Delete the key. Its row stays, because the usage history refers to it."""
    now = utc_now()
    ApiKey.objects.filter(pk=key.pk, deleted_at=None).update(deleted_at=now, updated_at=now)
    transaction.on_commit(partial(authentication.clear, *key.hashes))


def _refuse_unknown(names: set[str]) -> None:
    if names:
        raise ValueError(f"not changeable: {', '.join(sorted(names))}")
