"""Cost breakdown of a request: its charge as counts times prices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal

from common.money import PicoUsd
from gateway.accounting.pricing import Part, cost_of, discounted, parts_of, search_parts
from gateway.events import Usage
from gateway.models import Generation
from models_catalog.catalog import Prices

__all__ = ["Explanation", "Line", "explain"]

_WORDS = {
    "prompt": ("Prompt", "tokens"),
    "input_cache_read": ("Prompt, cached tokens", "tokens"),
    "input_cache_write": ("Prompt, written to cache", "tokens"),
    "input_cache_write_1h": ("Prompt, written to cache for an hour", "tokens"),
    "audio": ("Prompt, audio", "tokens"),
    "completion": ("Response", "tokens"),
    "internal_reasoning": ("Reasoning", "tokens"),
    "request": ("Request", "request"),
    "image": ("Images", "images"),
    "image_output": ("Images in the response", "images"),
    "web_search_request": ("Web search, with up to 10 results", "search"),
    "web_search_results": ("Additional web search results", "results"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """`count` units at `price` USD each are `amount` USD, not rounded."""

    name: str
    unit: str
    count: int
    price: Decimal

    @property
    def amount(self) -> Decimal:
        return self.count * self.price


@dataclass(frozen=True, slots=True)
class Explanation:
    """From the price to the charge, in pico-USD.

    `listed` - `discount` - `billed_to_key` + `fee` - `waived` - `written_off` + `other` = `charged`.
    """

    lines: tuple[Line, ...]
    listed: PicoUsd  # what the lines come to, rounded once
    discount: PicoUsd
    discount_percent: str
    billed_to_key: PicoUsd  # by the provider, to the customer's own key
    fee: PicoUsd  # ours for such a request
    fee_percent: str  # of the list price; "0" in the free share of the month
    waived: PicoUsd  # not asked for: see `reason`
    written_off: PicoUsd  # what the balance could not cover
    other: PicoUsd  # charged beyond the lines: parts whose counts are not kept
    charged: PicoUsd
    returned: PicoUsd  # what came back of the hold
    reason: str


def explain(request: Generation) -> Explanation:
    """Return the cost breakdown of a request. A running request has none yet."""
    answer = parts_of(_prices(request.price), _usage(request), request.images, request.output_images)
    search = search_parts(request.price, request.web_search_results)
    parts = [*answer, *search]
    due, discount = discounted(parts, request.discount_basis_points)
    fee = 0
    if request.byok_key_id:
        fee = max(0, request.cost + request.write_off - cost_of(search))
        due = PicoUsd(due - request.byok_cost + fee)
    difference = due - request.cost - request.write_off
    return Explanation(
        lines=tuple(_lines(request, answer, search)),
        listed=cost_of(parts),
        discount=discount,
        discount_percent=f"{(Decimal(request.discount_basis_points) / 100).normalize():f}",
        billed_to_key=PicoUsd(request.byok_cost),
        fee=PicoUsd(fee),
        fee_percent=f"{(Decimal(request.price.get('byok_fee', '0')) * 100).normalize():f}",
        other=PicoUsd(max(0, -difference)),
        waived=PicoUsd(max(0, difference)),
        written_off=PicoUsd(request.write_off),
        charged=PicoUsd(request.cost),
        returned=PicoUsd(max(0, request.hold - request.cost)),
        reason=_reason(request),
    )


def _lines(request: Generation, answer: Sequence[Part], search: Sequence[Part]) -> list[Line]:
    if not answer and request.prompt_tokens + request.completion_tokens:  # a free model: say so token by token
        answer = [
            Part("prompt", request.prompt_tokens, Decimal(0)),
            Part("completion", request.completion_tokens, Decimal(0)),
        ]
    words = _WORDS | {"request": ("Search", "search units")} if request.search_units else _WORDS
    return [Line(*words.get(part.name, (part.name, "")), part.count, part.price) for part in [*answer, *search]]


def _usage(request: Generation) -> Usage:
    return Usage(
        prompt_tokens=request.prompt_tokens,
        completion_tokens=request.completion_tokens,
        reasoning_tokens=request.reasoning_tokens,
        cached_tokens=request.cached_tokens,
        cache_write_tokens=request.cache_write_tokens,
        cache_write_1h_tokens=request.cache_write_1h_tokens,
        audio_tokens=request.audio_tokens,
        image_tokens=request.output_image_tokens,
        search_units=request.search_units,
    )


def _prices(price: Mapping[str, str]) -> Prices:
    known = {field.name for field in fields(Prices)}
    given = {name: Decimal(text) for name, text in price.items() if name in known}
    return Prices(**({"prompt": Decimal(0), "completion": Decimal(0)} | given))


def _reason(request: Generation) -> str:
    """Return a sentence that says why less was charged than the price; empty if nothing was waived."""
    if request.state == Generation.State.OPEN:
        return "The request is still running."
    if request.state == Generation.State.RELEASED:
        return "The request was interrupted on our side. You weren't charged."
    if request.error_status is not None:
        return "Provider error. These tokens weren't charged."
    if not request.completion_tokens and not request.finish_reason and not request.cancelled:
        return "The provider returned an empty response. These tokens weren't charged."
    return ""
