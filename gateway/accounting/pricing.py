"""Pricing: the components of a request's price, and their total. Pure functions."""

from collections.abc import Mapping
from decimal import Decimal

import msgspec
from django.conf import settings

from common.money import PicoUsd, total_cost
from gateway.events import Usage
from models_catalog.catalog import Prices

__all__ = ["Part", "cost_of", "discounted", "logging_discount", "parts_of", "prompt_and_completion", "search_parts"]

#: Results that the price of one web search includes.
RESULTS_INCLUDED = 10


#: The components that are the completion's.
_COMPLETION = frozenset({"completion", "internal_reasoning", "image_output"})


class Part(msgspec.Struct, frozen=True):
    """One component of a price: `count` units at `price` USD each."""

    name: str
    count: int
    price: Decimal


def parts_of(prices: Prices, usage: Usage, images: int = 0, output_images: int = 0) -> list[Part]:
    """The components of a response's price, without those that are zero.

    Cached, cache-write and audio tokens are part of the prompt, reasoning and image tokens of the completion: each is
    priced once. Where images in the response have a price of their own, it replaces that of their tokens.
    """
    uncached = max(0, usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens)
    audio = min(usage.audio_tokens, uncached) if prices.audio else 0
    write = _or(prices.input_cache_write, prices.prompt)
    reasoning_price = prices.internal_reasoning
    completion = usage.completion_tokens - (usage.reasoning_tokens if reasoning_price else 0)
    image_price = prices.image_output
    if image_price:
        completion -= usage.image_tokens
    parts = [
        Part("prompt", uncached - audio, prices.prompt),
        Part("audio", audio, prices.audio or Decimal(0)),
        Part("input_cache_read", usage.cached_tokens, _or(prices.input_cache_read, prices.prompt)),
        Part("input_cache_write", usage.cache_write_tokens - usage.cache_write_1h_tokens, write),
        Part("input_cache_write_1h", usage.cache_write_1h_tokens, _or(prices.input_cache_write_1h, write)),
        Part("completion", max(0, completion), prices.completion),
        Part("internal_reasoning", usage.reasoning_tokens if reasoning_price else 0, reasoning_price or Decimal(0)),
        Part("request", usage.search_units or 1, prices.request),
        Part("image", images, prices.image),
        Part("image_output", output_images, image_price or Decimal(0)),
    ]
    return [part for part in parts if part.count and part.price]


def search_parts(price: Mapping[str, str], results: int) -> list[Part]:
    """The components of a web search's price, without those that are zero; empty when `price` names no search."""
    parts = [
        Part("web_search_request", 1, Decimal(price.get("web_search_request", 0))),
        Part("web_search_results", max(0, results - RESULTS_INCLUDED), Decimal(price.get("web_search_results", 0))),
    ]
    return [part for part in parts if part.count and part.price]


def cost_of(parts: list[Part], discount_basis_points: int = 0) -> PicoUsd:
    """The total of the components less the discount (100 is 1%), rounded once."""
    if not discount_basis_points:
        return total_cost([(part.count, part.price) for part in parts])
    factor = 1 - Decimal(discount_basis_points) / 10_000
    return total_cost([(part.count, part.price * factor) for part in parts])


def discounted(parts: list[Part], discount_basis_points: int) -> tuple[PicoUsd, PicoUsd]:
    """(the total of the components less the discount, the discount), in pico-USD; they add up to the list price."""
    due = cost_of(parts, discount_basis_points)
    return due, PicoUsd(cost_of(parts) - due)


def logging_discount() -> int:
    """The discount of requests whose prompts and completions are stored, in basis points."""
    return int(settings.LOGGING_DISCOUNT_PERCENT * 100)


def prompt_and_completion(parts: list[Part]) -> tuple[PicoUsd, PicoUsd]:
    """(the list price of the prompt, the list price of the completion) in pico-USD.

    A price for the request itself counts as the prompt's.
    """
    completion = [part for part in parts if part.name in _COMPLETION]
    return cost_of([part for part in parts if part.name not in _COMPLETION]), cost_of(completion)


def _or(price: Decimal | None, other: Decimal) -> Decimal:
    return other if price is None else price
