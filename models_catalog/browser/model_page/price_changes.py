"""How the prices of a model's endpoints have changed, for its page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from itertools import groupby, pairwise

from common.money import format_price_per_million
from models_catalog.price_history import HistoricPrice, price_history

__all__ = ["PriceChanges", "price_changes"]

#: Rows that are shown at once; older ones open below them.
SHOWN = 10

#: The task of a model -> the prices to follow: heading, name, and the number of units of the shown price.
_FOLLOWED = {
    "chat": (("Input", "prompt", 1_000_000), ("Output", "completion", 1_000_000)),
    "embeddings": (("Input", "prompt", 1_000_000),),
    "rerank": (("Search", "request", 1_000),),
}


@dataclass(frozen=True, slots=True)
class Price:
    """A price as text, and how it differs from the one before; empty where it does not, or can't be told."""

    label: str
    text: str
    change: str  # "−20%"
    direction: str  # "up", "down", or empty


@dataclass(frozen=True, slots=True)
class Change:
    """The prices of an endpoint from a moment on, after others."""

    name: str  # of the endpoint
    at: datetime
    prices: tuple[Price, ...]


@dataclass(frozen=True, slots=True)
class PriceChanges:
    """The changes, newest first, and the moment since which prices are recorded; None if there are none."""

    since: datetime | None
    labels: tuple[str, ...]
    unit: str
    changes: tuple[Change, ...]

    @property
    def recent(self) -> tuple[Change, ...]:
        """The newest changes."""
        return self.changes[:SHOWN]

    @property
    def older(self) -> tuple[Change, ...]:
        """The changes before those."""
        return self.changes[SHOWN:]


def price_changes(model_id: str, task: str, names: Mapping[str, str]) -> PriceChanges:
    """Return the changes of a model with this task. `names` has the names of its endpoints, by tag; others are left
    out."""
    followed = _FOLLOWED[task]
    rows = [row for row in price_history(model_id) if row.tag in names]
    changes = [
        change
        for tag, of_endpoint in groupby(rows, lambda row: row.tag)
        for change in _changes(names[tag], list(of_endpoint), followed)
    ]
    return PriceChanges(
        since=min((row.valid_from for row in rows), default=None),
        labels=tuple(label for label, _, _ in followed),
        unit="thousand search units" if task == "rerank" else "million tokens",
        changes=tuple(sorted(changes, key=lambda change: change.at, reverse=True)),
    )


def _changes(name: str, rows: Sequence[HistoricPrice], followed: Iterable[tuple[str, str, int]]) -> Iterable[Change]:
    """Yield the changes of one endpoint's followed prices. A row that changes only others is none."""
    for before, after in pairwise(rows):
        prices = tuple(
            _price(label, count, getattr(before, price), getattr(after, price)) for label, price, count in followed
        )
        if any(price.direction for price in prices):
            yield Change(name, after.valid_from, prices)


def _price(label: str, count: int, before: Decimal | None, after: Decimal | None) -> Price:
    text = "–" if after is None else format_price_per_million(after * count / 1_000_000)
    old, new = before or Decimal(0), after or Decimal(0)
    direction = "up" if new > old else "down" if new < old else ""
    return Price(label, text, _percent(old, new) if direction and old else "", direction)


def _percent(before: Decimal, after: Decimal) -> str:
    """Return "+25%" or "−7.5%": with a decimal below 10%, and never zero."""
    change = (after / before - 1) * 100
    step = Decimal("0.1") if abs(change) < 10 else Decimal(1)
    size = max(abs(change).quantize(step, ROUND_HALF_UP), Decimal("0.1"))
    whole = size == size.to_integral_value()
    sign = "+" if change > 0 else "\N{MINUS SIGN}"
    return f"{sign}{size:,.0f}%" if whole else f"{sign}{size}%"
