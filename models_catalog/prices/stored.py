"""Prices as stored: plain decimal strings in USD, by key."""

import re
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError

__all__ = ["KEYS", "check_pricing", "check_tiers", "servable"]

#: Keys of prices. The first eight are published for every model, the others where they apply.
KEYS = (
    "prompt",
    "completion",
    "request",
    "image",
    "web_search",
    "internal_reasoning",
    "input_cache_read",
    "input_cache_write",
    "input_cache_write_1h",
    "audio",
    "image_output",
)

_NOTHING = {"prompt": "0", "completion": "0"}

_PLAIN_DECIMAL = re.compile(r"\d{1,6}(\.\d{1,18})?")


def servable(pricing: dict[str, str], *, free: bool, outputs: Iterable[str] = ("text",)) -> dict[str, str] | None:
    """Return the prices to bill by, or None if they can't be billed.

    Zero is a price for `:free` models only. Anywhere else it means that a source did not know the
    price: such a key is left out, and its tokens cost what prompt or completion tokens cost.
    A model that gives embeddings has no completion; one that ranks is priced by token or by search unit (`request`).
    """
    priced = {key: price for key, price in pricing.items() if price.strip("0.")}
    if free:
        return None if priced else dict(_NOTHING)
    if "embeddings" in outputs:
        return _NOTHING | priced if "prompt" in priced else None
    if "rerank" in outputs:
        return _NOTHING | priced if {"prompt", "request"} & priced.keys() else None
    return priced if {"prompt", "completion"} <= priced.keys() else None


def check_pricing(pricing: Any) -> None:
    """Raise ValidationError unless `pricing` has known keys, plain decimals, and a prompt and completion price."""
    if not isinstance(pricing, dict):
        raise ValidationError('Prices are an object, for example {"prompt": "0.0000025", "completion": "0.00001"}.')
    _check_prices(pricing)
    if missing := {"prompt", "completion"} - pricing.keys():
        raise ValidationError(f"A price is missing: {', '.join(sorted(missing))}.")


def check_tiers(tiers: Any) -> None:
    """Raise ValidationError unless `tiers` is a list of `{"min_context": tokens, <key>: price, ...}`."""
    if not isinstance(tiers, list) or not all(isinstance(tier, dict) for tier in tiers):
        raise ValidationError('Tiers are a list, for example [{"min_context": 200000, "prompt": "0.000005"}].')
    for tier in tiers:
        least = tier.get("min_context")
        if not isinstance(least, int) or isinstance(least, bool) or least < 1:
            raise ValidationError("Each tier needs min_context: a whole number of prompt tokens.")
        _check_prices({key: price for key, price in tier.items() if key != "min_context"})


def _check_prices(prices: dict[str, Any]) -> None:
    for key, price in prices.items():
        if key not in KEYS:
            raise ValidationError(f"Unknown price {key!r}. Prices are: {', '.join(KEYS)}.")
        if not isinstance(price, str) or not _PLAIN_DECIMAL.fullmatch(price):
            raise ValidationError(
                f'The price of {key} must be a plain decimal in quotes, for example "0.0000025": no sign, no exponent.'
            )
