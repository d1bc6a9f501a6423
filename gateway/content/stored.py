"""Content at rest: compressed and encrypted with a key that is not in the database, one row for each request.

Each row names its request inside, so that one row can't be passed off as another.
"""

import logging
import zlib
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import Count, Min

from accounts.models import PrivacySettings
from common import encryption
from common.clock import utc_now
from gateway.models import StoredContent

from .recording import Content

__all__ = [
    "ContentRow", "Kept", "Unreadable", "after", "delete_all", "delete_old", "delete_one", "kept_of", "opened",
    "rotate", "sealed", "store",
]  # fmt: skip

log = logging.getLogger(__name__)

#: Rows that one transaction deletes or encrypts again.
BATCH = 500

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Content).decode


class Unreadable(Exception):
    """The content was encrypted with a key that the site no longer has, or it was damaged."""


class ContentRow(msgspec.Struct, frozen=True):
    """A `StoredContent` to insert."""

    id: str
    account_id: int
    created_at: datetime
    sealed: bytes


class Kept(msgspec.Struct, frozen=True):
    """The number of an account's requests whose content is stored, and the time of the oldest."""

    requests: int
    oldest: datetime | None


def sealed(content: Content) -> bytes:
    """Return the content, compressed and encrypted."""
    return encryption.encrypt_bytes(zlib.compress(_encode(content), 1))


def opened(row: StoredContent) -> Content:
    """Return the content of a row. Raises Unreadable."""
    try:
        content = _decode(zlib.decompress(encryption.decrypt_bytes(bytes(row.sealed))))
    except (encryption.Undecryptable, zlib.error, msgspec.MsgspecError) as error:
        raise Unreadable from error
    if content.id != row.pk:
        raise Unreadable
    return content


def store(rows: Sequence[ContentRow]) -> list[None]:
    """Insert the rows of accounts that still agree to it. Storing a row again changes nothing.

    The consent is read under a lock: once it is withdrawn, nothing more is stored.
    """
    with transaction.atomic():
        agreeing = PrivacySettings.objects.filter(
            log_for_discount=True, organisation__credit_account__in={row.account_id for row in rows}
        )
        locked = agreeing.select_for_update(of=("self",)).order_by("pk")
        accounts = set(locked.values_list("organisation__credit_account", flat=True))
        StoredContent.objects.bulk_create(
            [
                StoredContent(
                    generation_id=row.id, account_id=row.account_id, created_at=row.created_at, sealed=row.sealed
                )
                for row in rows
                if row.account_id in accounts
            ],
            ignore_conflicts=True,
        )
    return [None] * len(rows)


def kept_of(account_id: int) -> Kept:
    """Return what is stored of an account."""
    found = StoredContent.objects.filter(account=account_id).aggregate(count=Count("pk"), oldest=Min("created_at"))
    return Kept(found["count"], found["oldest"])


def after(account_id: int, moment: datetime, pk: str, most: int) -> list[StoredContent]:
    """Return the account's oldest rows, at most so many, after the one of this time and ID."""
    rows = StoredContent.objects.filter(account=account_id, created_at__gte=moment)
    return list(rows.exclude(created_at=moment, pk__lte=pk).order_by("created_at", "pk")[:most])


def delete_one(account_id: int, generation_id: str) -> bool:
    """Delete the content of one request; return whether there was any."""
    count, _ = StoredContent.objects.filter(account=account_id, pk=generation_id).delete()
    return count > 0


def delete_all(accounts: Collection[int]) -> int:
    """Delete everything that is stored of these accounts; return of how many requests."""
    return _delete(account__in=accounts)


def delete_old() -> int:
    """Delete what is older than LOGGING_KEEP_DAYS; return of how many requests."""
    count = _delete(created_at__lt=utc_now() - timedelta(days=settings.LOGGING_KEEP_DAYS))
    if count:
        log.info("deleted the stored content of %d requests for its age", count)
    return count


def _delete(**conditions: object) -> int:
    rows, count = StoredContent.objects.filter(**conditions), 0
    while ids := list(rows.values_list("pk", flat=True)[:BATCH]):
        count += StoredContent.objects.filter(pk__in=ids).delete()[0]
    return count


def rotate() -> tuple[int, int]:
    """Encrypt everything again with the newest key; return (how many rows, how many of them can't be read).

    Each batch is committed on its own: what is stored meanwhile has the newest key already.
    """
    count = lost = 0
    for ids in _batches():
        with transaction.atomic():
            rows = list(StoredContent.objects.select_for_update().filter(pk__in=ids))
            readable = []
            for row in rows:
                try:
                    row.sealed = encryption.rotate_bytes(bytes(row.sealed))
                except encryption.Undecryptable:
                    lost += 1
                else:
                    readable.append(row)
            StoredContent.objects.bulk_update(readable, ["sealed"])
            count += len(rows)
    return count, lost


def _batches() -> Iterator[list[str]]:
    last = ""
    while ids := list(StoredContent.objects.filter(pk__gt=last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        yield ids
        last = ids[-1]
