"""The second door of `keys`: creating, updating and deleting keys, for pages and the API."""

from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.models import Organisation, User
from common.clock import utc_now, window_start
from common.money import PicoUsd

from . import authentication
from .models import ApiKey

__all__ = ["create", "delete", "update"]

#: Fields that `update` may change. Settlement alone writes the counters.
CHANGEABLE = frozenset({"name", "disabled", "limit", "limit_reset", "include_byok_in_limit", "expires_at"})


def create(
    organisation: Organisation,
    user: User | None,
    name: str,
    *,
    limit: PicoUsd | None = None,
    limit_reset: str = "",
    include_byok_in_limit: bool = False,
    expires_at: datetime | None = None,
    is_management: bool = False,
) -> tuple[ApiKey, str]:
    """Return a new key and its secret, which is stored nowhere: show it once. `limit` is in pico-USD."""
    secret = authentication.new_secret()
    key = ApiKey.objects.create(
        organisation=organisation,
        created_by=user,
        name=name,
        hash=authentication.hash_of(secret),
        label=authentication.label_of(secret),
        is_management=is_management,
        limit=limit,
        limit_reset=limit_reset,
        include_byok_in_limit=include_byok_in_limit,
        expires_at=expires_at,
    )
    return key, secret


@transaction.atomic
def update(key: ApiKey, **changes: Any) -> ApiKey:
    """Apply `changes` (see `CHANGEABLE`) and return the key. A new reset interval restarts the spend count."""
    if unknown := changes.keys() - CHANGEABLE:
        raise ValueError(f"not changeable: {', '.join(sorted(unknown))}")
    now = utc_now()
    # Lock the row and write only these columns: a request may be settling on this key at the same time.
    locked = ApiKey.objects.select_for_update().get(pk=key.pk)
    if "limit_reset" in changes and changes["limit_reset"] != locked.limit_reset:
        reset = changes["limit_reset"]
        changes |= {"window_usage": 0, "window_started_at": window_start(reset, now) if reset else None}
    changes["updated_at"] = now
    for field, value in changes.items():
        setattr(locked, field, value)
    locked.save(update_fields=changes.keys())
    transaction.on_commit(lambda: authentication.clear(key.hash))
    return locked


@transaction.atomic
def delete(key: ApiKey) -> None:
    """Delete the key. Its row stays, because the usage history refers to it."""
    now = utc_now()
    ApiKey.objects.filter(pk=key.pk, deleted_at=None).update(deleted_at=now, updated_at=now)
    transaction.on_commit(lambda: authentication.clear(key.hash))
