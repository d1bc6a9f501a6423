"""The table of an endpoint's prices, by tier."""

from dataclasses import dataclass
from decimal import Decimal

from common.money import format_price_per_million
from models_catalog.browser.figures import tokens
from models_catalog.entries import EndpointEntry

__all__ = ["PRICES", "PriceTable", "price_table"]

_THOUSANDTH = Decimal("0.001")

#: key -> label, unit, and the number of units of the shown price
PRICES = {
    "prompt": ("Prompt", "million tokens", 1_000_000),
    "completion": ("Completion", "million tokens", 1_000_000),
    "internal_reasoning": ("Reasoning", "million tokens", 1_000_000),
    "input_cache_read": ("Cache read", "million tokens", 1_000_000),
    "input_cache_write": ("Cache write", "million tokens", 1_000_000),
    "input_cache_write_1h": ("Cache write, 1 hour", "million tokens", 1_000_000),
    "audio": ("Audio input", "million tokens", 1_000_000),
    "image": ("Image input", "thousand images", 1_000),
    "image_output": ("Image output", "thousand images", 1_000),
    "request": ("Request", "thousand requests", 1_000),
    "web_search": ("Web search", "thousand searches", 1_000),
}


@dataclass(frozen=True, slots=True)
class PriceTable:
    """`rows` are (label, unit, prices), with one price for each of `columns`."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, str, tuple[str, ...]], ...]


#: For models that rank, `request` is the price of a search unit.
_RERANK_ROWS = PRICES | {"request": ("Search", "thousand search units", 1_000)}


def price_table(endpoint: EndpointEntry, task: str = "chat") -> PriceTable:
    """Return the price table of an endpoint of a model with this task. A free endpoint has no rows."""
    tiers = (endpoint.prices, *(tier.prices for tier in endpoint.tiers))
    rows = []
    for key, (label, unit, count) in (_RERANK_ROWS if task == "rerank" else PRICES).items():
        prices = [getattr(prices, key) for prices in tiers]
        if any(prices):
            rows.append((label, unit, tuple(_shown(price, count) for price in prices)))
    if endpoint.tiers:
        first = f"Up to {tokens(endpoint.tiers[0].min_prompt_tokens)} prompt tokens"
        columns = (first, *(f"Above {tokens(tier.min_prompt_tokens)}" for tier in endpoint.tiers))
    else:
        columns = ("Price",)
    return PriceTable(columns, tuple(rows))


def _shown(price: Decimal | None, count: int) -> str:
    return format_price_per_million(price * count / 1_000_000) if price else "–"
