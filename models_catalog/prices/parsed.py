"""Prices of endpoints, parsed once."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType

__all__ = ["Prices", "Tier"]

ZERO = Decimal(0)

#: Prices published only where they apply.
_OPTIONAL = frozenset({"input_cache_write_1h", "audio", "image_output"})


@dataclass(frozen=True)
class Prices:
    """Prices of an endpoint, in USD per token, request, image or search.

    For a model that ranks, a request is a search unit.

    None means that the provider has no price of its own for these tokens: cached and cache-write tokens then cost
    `prompt`, those written for an hour what others cost that are written, reasoning tokens `completion`.
    """

    prompt: Decimal
    completion: Decimal
    request: Decimal = ZERO
    image: Decimal = ZERO
    web_search: Decimal = ZERO
    internal_reasoning: Decimal | None = None
    input_cache_read: Decimal | None = None
    input_cache_write: Decimal | None = None
    input_cache_write_1h: Decimal | None = None  # kept for an hour
    audio: Decimal | None = None
    image_output: Decimal | None = None

    # Cached: routing and metering read these for every request, and prices never change.

    @cached_property
    def per_token(self) -> Decimal:
        """USD per token of typical traffic (three prompt tokens to one completion token), to compare endpoints."""
        return (3 * self.prompt + self.completion) / 4

    @cached_property
    def is_free(self) -> bool:
        """Whether every price is zero."""
        return not any(getattr(self, price.name) for price in fields(self))

    @cached_property
    def caches(self) -> bool:
        """Whether cached tokens are cheaper than others."""
        return self.input_cache_read is not None and self.input_cache_read < self.prompt

    @cached_property
    def charged(self) -> Mapping[str, str]:
        """Return the set prices as plain decimal strings. Tokens without a price cost the same as their kind."""
        return MappingProxyType(
            {
                price.name: format(value, "f")
                for price in fields(self)
                if (value := getattr(self, price.name)) is not None
            }
        )

    @cached_property
    def strings(self) -> Mapping[str, str]:
        """Return prices as exact decimal strings: the eight usual keys always, the others where they apply."""
        return MappingProxyType(
            {
                price.name: format(value or ZERO, "f")
                for price in fields(self)
                if (value := getattr(self, price.name)) is not None or price.name not in _OPTIONAL
            }
        )


@dataclass(frozen=True, slots=True)
class Tier:
    """The complete prices of a request whose prompt has more than `min_prompt_tokens` tokens."""

    min_prompt_tokens: int
    prices: Prices
