"""Geometry of charts with a line for each endpoint. Pure: numbers in, coordinates and labels out."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from common.display.charts import SLOT, Tick, nice_steps, number, percent, time_ticks
from common.display.moments import day_text

__all__ = ["Line", "LineChart", "line_chart"]

#: Height in pixels.
HEIGHT = 180


@dataclass(frozen=True, slots=True)
class Line:
    """One endpoint: its name, color class, and path in the box of the chart."""

    name: str
    css: str
    path: str


@dataclass(frozen=True, slots=True)
class Slot:
    """One day: its place, and its values as text."""

    left: str
    width: str
    label: str
    values: tuple[str, ...]  # a dash where unknown


@dataclass(frozen=True, slots=True)
class LineChart:
    """A whole chart. `lines` are in the order of the colors; each slot has a value for each line."""

    box_width: int
    lines: tuple[Line, ...]
    slots: tuple[Slot, ...]
    value_ticks: tuple[Tick, ...]
    time_ticks: tuple[Tick, ...]
    height: int = HEIGHT


def line_chart(
    series: Sequence[tuple[str, Sequence[float | None]]],
    days: Sequence[date],
    text: Callable[[float], str],
    tick_text: Callable[[float], str],
) -> LineChart | None:
    """Return the chart of named values by day; None without a value. `text` and `tick_text` format them.

    A series has the color of its place; one without a value has no line.
    """
    drawn = [(f"k{at}", name, values) for at, (name, values) in enumerate(series) if any(_known(values))]
    if not drawn:
        return None
    steps = nice_steps(math.ceil(max(value for _, _, values in drawn for value in _known(values))))
    width = 100 / len(days)
    labels = [day_text(day, with_year=False) for day in days]
    return LineChart(
        box_width=SLOT * len(days),
        lines=tuple(Line(name, css, _path(values, steps[-1])) for css, name, values in drawn),
        slots=tuple(
            Slot(
                percent(at * width),
                percent(width),
                day_text(day),
                tuple("–" if (value := values[at]) is None else text(value) for _, _, values in drawn),
            )
            for at, day in enumerate(days)
        ),
        value_ticks=tuple(Tick(number(HEIGHT - HEIGHT * step / steps[-1]), tick_text(step)) for step in steps),
        time_ticks=tuple(time_ticks(labels, width)),
    )


def _known(values: Sequence[float | None]) -> Iterator[float]:
    return (value for value in values if value is not None)


def _path(values: Sequence[float | None], top: int) -> str:
    return "".join(
        "M" + "L".join(f"{number(at * SLOT + SLOT / 2)} {number(HEIGHT - HEIGHT * value / top)}" for at, value in run)
        + ("h0" if len(run) == 1 else "")  # a dot
        for run in _runs(values)
    )  # fmt: skip


def _runs(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """Yield the known values that follow each other, with their places."""
    run: list[tuple[int, float]] = []
    for at, value in enumerate([*values, None]):
        if value is not None:
            run.append((at, value))
        elif run:
            yield run
            run = []
