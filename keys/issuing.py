"""The second door of `keys`: creating, updating and deleting keys, for pages and the API."""

from datetime import datetime
from typing import Any, TypedDict, Unpack

from django.db import transaction

from accounts.models import Organisation, User
from common.clock import utc_now, window_start
from common.money import PicoUsd

from . import authentication
from .models import ApiKey

__all__ = ["create", "delete", "update"]


class KeySettings(TypedDict, total=False):
    """The spend limit and the expiration of a key. A missing setting keeps its default or its present value."""

    limit: PicoUsd | None
    limit_reset: str  # a value of `ApiKey.Reset`, or empty
    include_byok_in_limit: bool
    expires_at: datetime | None


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
def update(key: ApiKey, **changes: Any) -> ApiKey:
    """Apply `changes` (see `CHANGEABLE`) and return the key. A new reset interval restarts the spend count."""
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


def _refuse_unknown(names: set[str]) -> None:
    if names:
        raise ValueError(f"not changeable: {', '.join(sorted(names))}")
