"""The parts that charts share: round ticks, and places in percent along the time axis. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["SLOT", "Tick", "nice_steps", "number", "percent", "time_ticks"]

#: Width of a bucket's slot in the box that is stretched to the width of the chart.
SLOT = 100
_MOST_LABELS = 10


@dataclass(frozen=True, slots=True)
class Tick:
    """A tick on an axis. `minor` ticks are hidden where there is little room."""

    position: str
    text: str
    minor: bool = False


def nice_steps(largest: int) -> list[int]:
    """Return at most six evenly spaced round ticks (1, 2 or 5 times a power of ten) from 0 to at least `largest`."""
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


def time_ticks(labels: Sequence[str], slot: float) -> list[Tick]:
    """Return the ticks of the buckets, counted back from the newest; `slot` is the width of one in percent."""
    every = max(1, -(-len(labels) // _MOST_LABELS))
    # Counted back from the newest bucket, the one people look for.
    shown = list(range(len(labels) - 1, -1, -every))
    return [
        Tick(percent((bucket + 0.5) * slot), labels[bucket], minor=bool(index % 2))
        for index, bucket in reversed(list(enumerate(shown)))
    ]


def percent(value: float) -> str:
    """ "12.5%"."""
    return f"{number(value)}%"


def number(value: float) -> str:
    """Return a coordinate without needless digits."""
    return f"{value:.3f}".rstrip("0").rstrip(".")
