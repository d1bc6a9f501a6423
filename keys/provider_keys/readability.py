"""Encrypting stored provider keys again with the newest key, and saying which ones can't be read."""

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import DatabaseError

from common import encryption
from keys.models import OwnProviderKey

__all__ = ["check_readable", "rotate", "unreadable"]

log = logging.getLogger(__name__)


def unreadable() -> Iterator[OwnProviderKey]:
    """Yield the keys that were encrypted with a key that is no longer configured."""
    for row in OwnProviderKey.objects.filter(deleted_at=None).order_by("pk"):
        try:
            encryption.decrypt(row.secret)
        except encryption.Undecryptable:
            yield row


def rotate() -> tuple[int, list[str]]:
    """Encrypt every key again with the newest key; returns how many, and the names of those that can't be read."""
    rotated, lost = 0, []
    for row in OwnProviderKey.objects.select_for_update().filter(deleted_at=None).order_by("pk"):
        try:
            row.secret = encryption.rotate(row.secret)
        except encryption.Undecryptable:
            lost.append(f"{row} (account {row.organisation_id})")
        else:
            row.save(update_fields=["secret"])
            rotated += 1
    return rotated, lost


def check_readable(databases: Iterable[str] | None = None, **_: Any) -> list[CheckMessage]:
    """Return an error if stored provider keys can't be read with ENCRYPTION_KEY: a check of Django's."""
    if not databases:
        return []
    try:
        lost = sum(1 for _ in unreadable())
    except DatabaseError:  # before the first migration
        return []
    if not lost:
        return []
    hint = "List the key that they were encrypted with in ENCRYPTION_KEY, after the new one, and run rotate_encryption."
    return [Error(f"{lost} of the customers' own provider keys can't be decrypted.", hint=hint, id="keys.E001")]
