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

#: (values, sums) by the first hour of their bucket. Thousands of rows have a few, which are compared as one object.
_ByBucket = dict[datetime, list[tuple[tuple[Any, ...], tuple[int, ...]]]]
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
    rows: list[Added] = []
    if start < cut:
        over = _between(stretch, start, cut)
        about = ("sums", most, over.bucket, str(over.zone), over.edges, sums, columns, sorted(where.items()))

        def read() -> bytes:
            return _packed(bounded_sums_by(most, over, days.until, sums, columns, where))

        found = _decoder.decode(kept(stretch.account, days, about, read))
        if found is None:
            return None
        by_bucket, added_up = found
        rows = [(moment, *row) for moment, of_bucket in by_bucket.items() for row in of_bucket]
        most = None if most is None else most - added_up
    if cut < end:
        since = bounded_sums_by(most, _between(stretch, cut, end), days.until, sums, columns, where)
        if since is None:
            return None
        first = {} if stretch.bucket else {cut: start}  # an undivided stretch is one bucket
        _add(rows, [(first.get(moment, moment), values, added) for moment, values, added in since[0]])
    return rows


def _packed(found: tuple[list[Added], int] | None) -> bytes:
    if found is None:
        return msgspec.msgpack.encode(None)
    rows, added_up = found
    by_bucket: _ByBucket = {}
    for moment, values, added in rows:
        by_bucket.setdefault(moment, []).append((values, added))
    return msgspec.msgpack.encode((by_bucket, added_up))


def _between(stretch: Stretch, start: datetime, end: datetime) -> Stretch:
    return replace(stretch, edges=(start, *(edge for edge in stretch.edges if start < edge < end), end))


def _add(rows: list[Added], others: list[Added]) -> None:
    """Add other sums to rows of the same buckets, which are few: those that the days end in."""
    buckets = {moment for moment, _, _ in others}
    places = {row[:2]: place for place, row in enumerate(rows) if row[0] in buckets}
    for moment, values, added in others:
        place = places.get((moment, values))
        if place is None:
            rows.append((moment, values, added))
        else:
            rows[place] = (moment, values, tuple(map(add, rows[place][2], added)))
