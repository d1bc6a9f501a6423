"""Changes that are larger than a source is trusted with: an operator has to accept them."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from models_catalog.models import Endpoint

from .differences import UNITS, shown_prices

__all__ = ["loss", "reasons"]

#: A document that drops more of what follows it is implausible. A few may always go.
MAX_LOSS_PERCENT = 20
FEW = 3
#: So is a price that changes by more, or that is new and as much above the others.
MAX_PRICE_FACTOR = 10
#: USD per request, image or search that a source may add.
MAX_NEW_UNIT_PRICE = Decimal("0.1")


def loss(gone: int, following: int) -> str:
    """Return why so many of the endpoints that follow a source can't be gone; an empty text if they can."""
    if gone <= FEW or 100 * gone <= MAX_LOSS_PERCENT * following:
        return ""
    return f"{gone} of {following} endpoints that follow this source are gone from it, more than {MAX_LOSS_PERCENT} %."


def reasons(row: Endpoint, *, before: Mapping[str, str]) -> list[str]:
    """Return why an endpoint that had the prices `before` can't have those of the row."""
    found = list(_reasons(row, before, row.pricing))
    for tier in row.tiers:
        prices = {key: price for key, price in tier.items() if key != "min_context"}
        found += _reasons(row, row.pricing, prices)
    return found


def _reasons(row: Endpoint, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    highest = max(Decimal(before["prompt"]), Decimal(before["completion"]))
    for key, price in after.items():
        new, old = Decimal(price), Decimal(before.get(key, "0"))
        if old and new and max(old / new, new / old) > MAX_PRICE_FACTOR:
            told = f"{shown_prices({key: before[key]})} becomes {shown_prices({key: price})}"
            yield f"{row}: {told}, more than {MAX_PRICE_FACTOR} times."
        elif not old and new > (MAX_NEW_UNIT_PRICE if key in UNITS else MAX_PRICE_FACTOR * highest):
            yield f"{row}: {shown_prices({key: price})} is new and very high."
