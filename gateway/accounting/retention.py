"""Letting old requests go, by whole months.

What they cost stays: `DroppedRequests` has their sums by account and key, which the reconciliation adds to the requests
that are there. The dashboard reads sums by hour, day and month, which stay as well.
"""

import gzip
import logging
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Count, Sum
from django.db.models.functions import Coalesce

from common.clock import months_after, utc_now, window_start
from common.telemetry.jobs import JobFailed
from gateway.models import DroppedRequests, Feedback, Generation, StoredContent

from . import exported
from .partitions import Partition, impatient, partition_until, partitions_of

__all__ = ["drop_old", "limit", "old_partitions"]

log = logging.getLogger(__name__)


class Changed(Exception):
    """A partition is not as it was when it was added up."""


TABLE = Generation._meta.db_table
#: Rows that SQLite deletes in one transaction.
BATCH = 5_000


def limit() -> datetime | None:
    """Return the start of the oldest month whose requests are kept; None if all are."""
    months: int = settings.KEEP_REQUESTS_MONTHS
    return months_after(window_start("monthly", utc_now()), -months) if months > 0 else None


def drop_old() -> int:
    """Export the requests of months before `limit`, if EXPORT_DIR is set, and drop them. Return how many went.

    While another worker drops them, or a request of these months settles, they are kept until the next call. Raises
    JobFailed, and keeps them too, if the export fails or the table is busy.
    """
    before = limit()
    if before is None:
        return 0
    dropped = 0
    try:
        dropped = _drop(before) if connection.vendor == "postgresql" else sum(map(_delete, _batches(before)))
    except OSError as error:
        raise JobFailed(f"old requests are kept, because they could not be exported: {error}") from error
    except OperationalError as error:
        raise JobFailed(f"old requests are kept: {type(error.__cause__).__name__}") from error
    except Changed as error:
        log.warning("old requests are dropped later (%s)", error)
    if dropped:
        log.info("dropped %d requests from before %s", dropped, before.date())
    return dropped


def old_partitions() -> list[Partition]:
    """Return the partitions that lie wholly before `limit`, oldest first; none on SQLite."""
    before = limit()
    if before is None or connection.vendor != "postgresql":
        return []
    return [each for each in partitions_of(TABLE) if each.end is not None and each.end <= before]


def _drop(before: datetime) -> int:
    with impatient() as cursor:
        # Two workers may have the task: a clock too many, or a queue that gives a long task to a second one.
        cursor.execute("SELECT pg_try_advisory_xact_lock(hashtext(%s))", [f"drop {TABLE}"])
        if cursor.fetchone() != (True,):
            raise Changed("another worker is dropping them")
        old = old_partitions()
        # Without a lock, which settlements would wait for: a request may still be settled in these months.
        counts = [_add_up(cursor, partition) for partition in old]
        if not any(counts):
            return 0
        _export(cursor, old)
        # From here everything waits, for as long as it takes to count.
        cursor.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
        for partition, count in zip(old, counts, strict=True):
            cursor.execute(f"SELECT count(*) FROM {partition.name}")  # noqa: S608 names of our own
            if cursor.fetchone() != (count,):
                raise Changed(f"{partition.name} was written to meanwhile")
            cursor.execute(f"ALTER TABLE {TABLE} DETACH PARTITION {partition.name}")
            cursor.execute(f"DROP TABLE {partition.name}")
        partition_until(cursor, TABLE, old[-1].end)  # rows of any time find a place
    return sum(counts)


def _add_up(cursor: Any, partition: Partition) -> int:
    """Keep the sums of a partition; delete feedback on its requests and contents. Return how many it has."""
    cursor.execute(
        f"""
        INSERT INTO gateway_droppedrequests (
            account_id, key_id, provider_key_id, simulated, until, requests, cost, byok_cost, discount
        )
        SELECT
            account_id, coalesce(key_id, 0), provider_key_id, simulated, %s, count(*), sum(cost), sum(byok_cost),
            sum(discount)
        FROM {partition.name} GROUP BY account_id, key_id, provider_key_id, simulated
        RETURNING requests
        """,  # noqa: S608 names of our own
        [partition.end],
    )
    requests: int = sum(count for (count,) in cursor.fetchall())
    for table in ("gateway_feedback", "gateway_storedcontent"):
        cursor.execute(f"DELETE FROM {table} WHERE generation_id IN (SELECT id FROM {partition.name})")  # noqa: S608
    return requests


def _export(cursor: Any, old: Iterable[Partition]) -> None:
    """Write the partitions as compressed CSV to EXPORT_DIR, onto the disk itself. Raises OSError.

    A file has its name when it is complete, and takes no other's: a name comes again when a request of a dropped month
    is settled late. What an attempt that fails has written is removed, so that it doesn't fill the disk.
    """
    if not settings.EXPORT_DIR:
        return
    folder, written = Path(settings.EXPORT_DIR), []
    try:
        for partition in old:
            target, number = folder / f"{partition.name}.csv.gz", 1
            while target.exists():
                number += 1
                target = folder / f"{partition.name}-{number}.csv.gz"
            written += [unfinished := target.with_suffix(".part"), target]
            _write(cursor, partition, unfinished)
            exported.publish(unfinished, target)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise


def _write(cursor: Any, partition: Partition, path: Path) -> None:
    copied = cursor.copy(f"COPY {partition.name} TO STDOUT (FORMAT csv, HEADER)")
    with gzip.open(path, "wb") as file, copied as rows:
        for piece in rows:
            file.write(piece)


def _batches(before: datetime) -> Iterator[list[str]]:
    while ids := list(Generation.objects.filter(created_at__lt=before).values_list("pk", flat=True)[:BATCH]):
        yield ids


@transaction.atomic
def _delete(ids: list[str]) -> int:
    """Delete these requests and keep their sums; for SQLite, which exports nothing. Return how many they were."""
    rows = Generation.objects.filter(pk__in=ids).order_by()
    groups = rows.values("account_id", "provider_key_id", "simulated", of=Coalesce("key_id", 0))
    now = utc_now()
    DroppedRequests.objects.bulk_create(
        DroppedRequests(
            account_id=each["account_id"],
            key_id=each["of"],
            provider_key_id=each["provider_key_id"],
            simulated=each["simulated"],
            until=now,
            requests=each["requests"],
            cost=each["cost"],
            byok_cost=each["byok_cost"],
            discount=each["discount"],
        )
        for each in groups.annotate(
            requests=Count("pk"), cost=Sum("cost"), byok_cost=Sum("byok_cost"), discount=Sum("discount")
        )
    )
    Feedback.objects.filter(generation__in=ids).delete()
    StoredContent.objects.filter(generation__in=ids).delete()
    rows.delete()
    return len(ids)
