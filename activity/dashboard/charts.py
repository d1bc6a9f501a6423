"""Geometry of the dashboard's charts. Pure: numbers in, coordinates and labels out.

Heights are in pixels, positions along the time axis in percent, so a chart fills its column at any width while
its text keeps its size. Bars are paths in a box of their own, `SLOT` wide for each bucket, which is stretched to the
width of the chart: one element for a color instead of one for each bar.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from common.display.charts import SLOT, Tick, nice_steps, number, percent, time_ticks

__all__ = ["Bar", "Column", "Series", "StackedBars", "Tick", "nice_steps", "sparkline", "stacked_bars"]

#: Series beyond this many are drawn as one series, "Other".
MOST_SERIES = 9
#: The color class of "Other"; the others take k0 to k8 in order.
OTHER = "k9"
#: Where in a bucket's slot the bar begins and ends.
BAR = (14, 86)


@dataclass(frozen=True, slots=True)
class Series:
    """One color of the chart, with a value for each bucket. `key` distinguishes series of the same name."""

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


@dataclass(frozen=True, slots=True)
class Column:
    """One bucket: its slot (`left`, `width`), and the segments of its bar from bottom to top."""

    left: str
    width: str
    label: str
    total: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class StackedBars:
    """A whole chart. `series` are those drawn, in the order of the colors; `css` names each color class.

    `paths` has, for each color class, the outline of all its bars, in a box `box_width` wide.
    """

    height: int
    box_width: int
    columns: tuple[Column, ...]
    paths: tuple[tuple[str, str], ...]
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
    rest: Sequence[int] = (),
) -> StackedBars:
    """Return stacked bars of `series`: the largest total at the bottom, the smallest series summed as "Other".

    `labels` and `full_labels` name the buckets; `value_text` and `tick_text` format a value in full and for
    the axis. `rest` are values of series that are not given: with them, at most `MOST_SERIES` are.
    """
    drawn = _largest(series, len(labels))
    if any(rest):
        drawn.append((OTHER, Series("Other", rest)))
    totals = _added([one.values for _, one in drawn], len(labels))
    steps = nice_steps(max(totals, default=0))
    columns = []
    slot = 100 / max(1, len(labels))
    for bucket, total in enumerate(totals):
        columns.append(
            Column(
                left=percent(bucket * slot),
                width=percent(slot),
                label=full_labels[bucket],
                total=value_text(total),
                bars=tuple(_pile(drawn, bucket, steps[-1], height)),
            )
        )
    return StackedBars(
        height=height,
        box_width=SLOT * max(1, len(labels)),
        columns=tuple(columns),
        paths=tuple(_paths(columns)),
        value_ticks=tuple(Tick(number(height - height * step / steps[-1]), tick_text(step)) for step in steps),
        time_ticks=tuple(time_ticks(labels, slot)),
        series=tuple(drawn),
    )


def sparkline(values: Sequence[int], width: int = 120, height: int = 28) -> str:
    """Return the `points` of a polyline through `values`; empty for fewer than two values, or only zeros."""
    if len(values) < 2 or not any(values):
        return ""
    top = max(values)
    room = height - 2  # the line's own width, above and below
    return " ".join(
        f"{number(index * width / (len(values) - 1))},{number(1 + room - room * value / top)}"
        for index, value in enumerate(values)
    )


def _largest(series: Sequence[Series], buckets: int) -> list[tuple[str, Series]]:
    ordered = sorted((one for one in series if one.total), key=lambda one: (-one.total, one.name))
    shown = [(f"k{index}", one) for index, one in enumerate(ordered[:MOST_SERIES])]
    if rest := ordered[MOST_SERIES:]:
        shown.append((OTHER, Series(f"Other ({len(rest)})", _added([one.values for one in rest], buckets))))
    return shown


def _added(values: Sequence[Sequence[int]], buckets: int) -> list[int]:
    """Return the sum of all series in each bucket."""
    return [*map(sum, zip(*values, strict=True))] if values else [0] * buckets


def _pile(drawn: Sequence[tuple[str, Series]], bucket: int, top: int, height: int) -> list[Bar]:
    """Return the bucket's segments. Edges are rounded, not heights, so that a stack is as high as its total."""
    edges, running = [0.0], 0
    for _, one in drawn:
        running += one.values[bucket]
        edges.append(round(height * running / top, 2))
    return [
        Bar(css, round(height - upper, 2), round(upper - lower, 2))
        for (css, _), (lower, upper) in zip(drawn, pairwise(edges), strict=True)
        if upper > lower
    ]


def _paths(columns: Sequence[Column]) -> list[tuple[str, str]]:
    """Return (color class, SVG path of its bars), in the order of the classes."""
    paths: dict[str, list[str]] = {}
    for bucket, column in enumerate(columns):
        left, right = (bucket * SLOT + edge for edge in BAR)
        for bar in column.bars:
            paths.setdefault(bar.css, []).append(f"M{left} {bar.y:g}H{right}v{bar.height:g}H{left}z")
    return [(css, "".join(parts)) for css, parts in sorted(paths.items())]
