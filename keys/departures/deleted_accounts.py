"""The keys of a deleted account: none works any more, and their rows tell nothing but their usage."""

import secrets
from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Q

from accounts.deletion import erasing
from accounts.deletion.leaving import Leaving, account_deleted
from common.clock import utc_now
from keys import authentication
from keys.models import ApiKey, OwnProviderKey
from keys.provider_keys import changing

__all__ = ["connect_signals"]

NAME = "Key of a deleted account"
#: The columns that tell something about the person or their machines.
ERASED = (
    "name", "label", "app", "external_user", "allowed_ips", "hash", "previous_hash", "previous_hash_expires_at",
    "disabled", "deleted_at", "updated_at", "created_by",
)  # fmt: skip


def connect_signals() -> None:
    """Take part in the deletion of accounts. The rows of keys stay, because the usage history refers to them."""
    erasing.keep(ApiKey)
    account_deleted.connect(_erase, dispatch_uid="keys.deletion")


def _erase(leaving: Leaving, **_: Any) -> None:
    """Delete the keys of the closed organizations, and the person's own in others: they have their secrets."""
    theirs = Q(organisation__in=leaving.organisations) | Q(created_by=leaving.user)
    keys = list(ApiKey.objects.select_for_update().filter(theirs).order_by("pk"))
    elsewhere = OwnProviderKey.objects.filter(organisation__in=leaving.left_ids)
    changing.forget_member(elsewhere, leaving.user.public_id, {key.hash for key in keys})
    erasing.forget_in_log(ApiKey, [key.pk for key in keys])
    now = utc_now()
    for key in keys:
        transaction.on_commit(partial(authentication.clear, *key.hashes))
        key.name, key.label, key.app, key.external_user = NAME, "", "", ""
        key.hash = authentication.hash_of(secrets.token_hex(32))  # of nothing: it is only unique
        key.disabled, key.deleted_at, key.updated_at = True, key.deleted_at or now, now
        key.previous_hash = key.previous_hash_expires_at = None
        key.allowed_ips = []
        key.created_by = None
    ApiKey.objects.bulk_update(keys, ERASED, batch_size=200)
    ApiKey.objects.filter(updated_by=leaving.user).update(updated_by=None)
