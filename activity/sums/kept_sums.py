"""Sums whose part in days that are over comes from the cache. The hours since then are read each time."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import add
from typing import Any

import msgspec

from .completed import Completed, kept
from .rollups import Added, Stretch, bounded_sums_by

__all__ = ["kept_sums_by"]

_Rows = list[tuple[tuple[Any, ...], tuple[int, ...]]]
#: (values, sums) by the first hour of their bucket, of which thousands of rows have a few.
_ByBucket = dict[datetime, _Rows]
#: What is kept, and how many rows of usage it adds up; None if these are too many.
_Kept = tuple[_ByBucket, int] | None
_decoder = msgspec.msgpack.Decoder[_Kept](_Kept)


def kept_sums_by(
    most: int | None,
    stretch: Stretch,
    days: Completed,
    sums: Sequence[str],
    columns: Sequence[str],
    where: Mapping[str, Any],
) -> list[Added] | None:
    """Return (first hour of the bucket, values of `columns`, the `sums`), each bucket and values once.

    None if more than `most` rows of usage would be added up. Read in one query, or in two if the cache does not have
    the sums of `days` yet; none if the stretch ends with these days and the cache has them.
    """
    start, end = stretch.edges[0], stretch.edges[-1]
    cut = min(max(days.until, start), end)
    by_bucket: _ByBucket = {}
    if start < cut:
        over = _between(stretch, start, cut)
        about = ("sums", most, over.bucket, str(over.zone), over.edges, sums, columns, sorted(where.items()))

        def read() -> bytes:
            return _packed(bounded_sums_by(most, over, days.until, sums, columns, where))

        found = _decoder.decode(kept(stretch.account, days, about, read))
        if found is None:
            return None
        by_bucket, added_up = found
        most = None if most is None else most - added_up
    if cut < end:
        since = bounded_sums_by(most, _between(stretch, cut, end), days.until, sums, columns, where)
        if since is None:
            return None
        for moment, rows in _divided(since[0]).items():
            bucket = moment if stretch.bucket else start  # an undivided stretch is one bucket
            by_bucket[bucket] = _added(by_bucket.get(bucket, []), rows)
    return [(moment, values, added) for moment, rows in by_bucket.items() for values, added in rows]


def _packed(found: tuple[list[Added], int] | None) -> bytes:
    return msgspec.msgpack.encode(found and (_divided(found[0]), found[1]))


def _divided(rows: list[Added]) -> _ByBucket:
    by_bucket: _ByBucket = {}
    for moment, values, added in rows:
        by_bucket.setdefault(moment, []).append((values, added))
    return by_bucket


def _between(stretch: Stretch, start: datetime, end: datetime) -> Stretch:
    return replace(stretch, edges=(start, *(edge for edge in stretch.edges if start < edge < end), end))


def _added(rows: _Rows, others: _Rows) -> _Rows:
    """Return the rows of a bucket with other sums of it."""
    sums = dict(rows)
    for values, added in others:
        known = sums.get(values)
        sums[values] = added if known is None else tuple(map(add, known, added))
    return list(sums.items())
