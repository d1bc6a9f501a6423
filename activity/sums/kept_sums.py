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

_decoder = msgspec.msgpack.Decoder(tuple[list[Added], int] | None)


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
        found = _decoder.decode(
            kept(
                stretch.account,
                days,
                about,
                lambda: msgspec.msgpack.encode(bounded_sums_by(most, over, days.until, sums, columns, where)),
            )
        )
        if found is None:
            return None
        rows, read = found
        most = None if most is None else most - read
    if cut < end:
        since = bounded_sums_by(most, _between(stretch, cut, end), days.until, sums, columns, where)
        if since is None:
            return None
        first = {} if stretch.bucket else {cut: start}  # an undivided stretch is one bucket
        _add(rows, [(first.get(moment, moment), values, added) for moment, values, added in since[0]])
    return rows


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
