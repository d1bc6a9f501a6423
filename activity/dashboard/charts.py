"""The geometry of the dashboard's pictures. Pure: numbers in, coordinates and labels out.

Heights are pixels, positions along the time axis per cent: a picture fills its column at any width
and its text stays as large as other text.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

__all__ = ["Bar", "Column", "Series", "StackedBars", "Tick", "nice_steps", "sparkline", "stacked_bars"]

#: Series beyond this many are drawn as one, "Other".
MOST_SERIES = 9
#: The colour class of "Other"; the others take k0 to k8 in their order.
OTHER = "k9"
#: A bucket's share of its slot that the bar covers.
BAR_SHARE = 0.72
MOST_LABELS = 10


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of the picture: a value for each bucket. `key` tells series of the same name apart."""

    name: str
    values: Sequence[int]
    key: Any = None

    @property
    def total(self) -> int:
        return sum(self.values)


@dataclass(frozen=True, slots=True)
class Bar:
    """One series in one bucket. `y` counts from the top."""

    css: str
    y: float
    height: float
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Column:
    """One bucket: its slot (`left`, `width`), where its bar stands in it, and the bars from bottom to top."""

    left: str
    width: str
    bar_left: str
    bar_width: str
    label: str
    total: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """A mark on an axis. `minor` ones are left out where there is little room."""

    position: str
    text: str
    minor: bool = False


@dataclass(frozen=True, slots=True)
class StackedBars:
    """A whole picture. `series` is what was drawn, in the order of the colours; `css` names each colour."""

    height: int
    columns: tuple[Column, ...]
    value_ticks: tuple[Tick, ...]
    time_ticks: tuple[Tick, ...]
    series: tuple[tuple[str, Series], ...]


def stacked_bars(
    series: Sequence[Series],
    labels: Sequence[str],
    full_labels: Sequence[str],
    value_text: Callable[[int], str],
    tick_text: Callable[[int], str],
    height: int = 220,
) -> StackedBars:
    """Bars of `series`, largest total at the bottom, the smallest ones added up as "Other".

    `labels` and `full_labels` name the buckets; `value_text` and `tick_text` write a value out in full
    and for the axis.
    """
    drawn = _largest(series, len(labels))
    totals = [sum(one.values[bucket] for _, one in drawn) for bucket in range(len(labels))]
    steps = nice_steps(max(totals, default=0))
    columns = []
    slot = 100 / max(1, len(labels))
    for bucket, total in enumerate(totals):
        columns.append(
            Column(
                left=_percent(bucket * slot),
                width=_percent(slot),
                bar_left=_percent((bucket + (1 - BAR_SHARE) / 2) * slot),
                bar_width=_percent(slot * BAR_SHARE),
                label=full_labels[bucket],
                total=value_text(total),
                bars=tuple(_pile(drawn, bucket, steps[-1], height, value_text)),
            )
        )
    return StackedBars(
        height=height,
        columns=tuple(columns),
        value_ticks=tuple(Tick(_number(height - height * step / steps[-1]), tick_text(step)) for step in steps),
        time_ticks=tuple(_time_ticks(labels, slot)),
        series=tuple(drawn),
    )


def nice_steps(largest: int) -> list[int]:
    """Evenly spaced round marks (1, 2 or 5 times a power of ten) from 0 to at least `largest`; at most six."""
    if largest <= 0:
        return [0, 1]
    step = 1
    factors = (2, 5, 10)
    power, index = 1, 0
    while step * 5 < largest:
        step = power * factors[index]
        index += 1
        if index == len(factors):
            power, index = power * 10, 0
    marks = -(-largest // step)
    return [step * mark for mark in range(marks + 1)]


def sparkline(values: Sequence[int], width: int = 120, height: int = 28) -> str:
    """The `points` of a polyline through `values`; empty when there are fewer than two, or nothing but zeros."""
    if len(values) < 2 or not any(values):
        return ""
    top = max(values)
    room = height - 2  # the line's own width, above and below
    return " ".join(
        f"{_number(index * width / (len(values) - 1))},{_number(1 + room - room * value / top)}"
        for index, value in enumerate(values)
    )


def _largest(series: Sequence[Series], buckets: int) -> list[tuple[str, Series]]:
    ordered = sorted((one for one in series if one.total), key=lambda one: (-one.total, one.name))
    shown = [(f"k{index}", one) for index, one in enumerate(ordered[:MOST_SERIES])]
    if rest := ordered[MOST_SERIES:]:
        values = [sum(one.values[bucket] for one in rest) for bucket in range(buckets)]
        shown.append((OTHER, Series(f"Other ({len(rest)})", values)))
    return shown


def _pile(
    drawn: Sequence[tuple[str, Series]], bucket: int, top: int, height: int, value_text: Callable[[int], str]
) -> list[Bar]:
    """The bucket's bars. Edges are rounded, not heights, so that a pile is as high as its total."""
    edges, running = [0.0], 0
    for _, one in drawn:
        running += one.values[bucket]
        edges.append(round(height * running / top, 2))
    return [
        Bar(css, round(height - upper, 2), round(upper - lower, 2), one.name, value_text(one.values[bucket]))
        for (css, one), (lower, upper) in zip(drawn, pairwise(edges), strict=True)
        if upper > lower
    ]


def _time_ticks(labels: Sequence[str], slot: float) -> list[Tick]:
    every = max(1, -(-len(labels) // MOST_LABELS))
    # Counted back from the newest bucket, which is the one people look for.
    shown = list(range(len(labels) - 1, -1, -every))
    return [
        Tick(_percent((bucket + 0.5) * slot), labels[bucket], minor=bool(index % 2))
        for index, bucket in reversed(list(enumerate(shown)))
    ]


def _percent(value: float) -> str:
    return f"{_number(value)}%"


def _number(value: float) -> str:
    return f"{value:.3f}".rstrip("0").rstrip(".")
