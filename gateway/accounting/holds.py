"""Holds: how much a request reserves before any work, and whether it may start at all. Pure decisions.

A hold is an upper bound: the prompt and `max_tokens` at the price of the dearest endpoint of the plan. A request
without `max_tokens` gets the model's own limit when that is cheap, else what a quarter of the balance pays
for, so that one request does not starve the next.
"""

import math
from decimal import Decimal

import msgspec
from django.conf import settings

from billing.spending import Spender
from common.errors import PaymentRequired
from common.money import PICO_PER_USD, PicoUsd, format_usd

from .rows import GenerationRow

__all__ = ["Admission", "Admit", "hold_for"]

#: When a request names no `max_tokens`, its hold takes at most this part of what is available...
SHARE_OF_BALANCE = 4
#: ...unless that would pay for fewer tokens than this.
COMFORTABLE_TOKENS = 4096
#: Below this many affordable tokens an answer is not worth starting.
FEWEST_TOKENS = 16


class Admit(msgspec.Struct, frozen=True, kw_only=True):
    """Ask to start a request. `prompt_cost` (pico-USD) and `token_price` (USD) are those of the dearest endpoint."""

    generation: GenerationRow
    prompt_cost: PicoUsd  # and of whatever else is paid however long the answer is
    unfolding_cost: PicoUsd = PicoUsd(0)  # of files that turn out to be far larger than they look
    token_price: Decimal
    requested_tokens: int | None  # the caller's `max_tokens`
    most_tokens: int  # what the models could produce


class Admission(msgspec.Struct, frozen=True):
    """The request may start."""

    hold: PicoUsd
    max_tokens: int | None  # to send to the provider; None: the model's own limit is affordable


def hold_for(operation: Admit, account: Spender, left_of_key: int | None) -> tuple[PicoUsd, int | None]:
    """How much to hold, and the `max_tokens` to send upstream (None: leave it to the model)."""
    if account.frozen_reason:
        raise PaymentRequired(
            f"This account is frozen: {account.frozen_reason} See {settings.SITE_URL}/settings/credits"
        )
    token_pico = operation.token_price * PICO_PER_USD
    wanted = min(operation.requested_tokens or operation.most_tokens, operation.most_tokens)
    if operation.prompt_cost == 0 and token_pico == 0:
        return PicoUsd(0), operation.requested_tokens
    available = account.available
    limited_by_key = left_of_key is not None and left_of_key < available
    if left_of_key is not None:
        available = min(available, left_of_key)

    def affordable(amount: int) -> int:
        """How many tokens of the answer `amount` pays for."""
        rest = amount - operation.prompt_cost
        return min(wanted, int(rest / token_pico) if token_pico else wanted) if rest >= 0 else -1

    tokens = affordable(available)
    enough = wanted if operation.requested_tokens else min(wanted, FEWEST_TOKENS)
    if available <= 0 or tokens < enough:
        raise _too_expensive(operation, available, tokens, limited_by_key)
    if operation.requested_tokens is None and token_pico:
        tokens = max(affordable(available // SHARE_OF_BALANCE), min(tokens, COMFORTABLE_TOKENS))
    # Almost no file is what a hostile one could be: that is held where there is room for it, and not demanded.
    hold = PicoUsd(min(available, operation.prompt_cost + math.ceil(tokens * token_pico) + operation.unfolding_cost))
    shrunk = operation.requested_tokens is None and tokens < operation.most_tokens
    return hold, tokens if shrunk else operation.requested_tokens


def _too_expensive(operation: Admit, available: int, tokens: int, limited_by_key: bool) -> PaymentRequired:
    top_up = f"{settings.SITE_URL}/settings/credits"
    if limited_by_key:
        return PaymentRequired(
            f"This API key's credit limit leaves {format_usd(PicoUsd(max(0, available)))}, which does not cover the "
            f"request. Raise the limit at {settings.SITE_URL}/settings/keys",
            metadata={"limit": "key", "affordable_tokens": max(0, tokens)},
        )
    if available <= 0:
        return PaymentRequired(f"Insufficient credits. Add more at {top_up}", metadata={"affordable_tokens": 0})
    if operation.requested_tokens and tokens >= FEWEST_TOKENS:
        return PaymentRequired(
            f"You asked for up to {operation.requested_tokens} tokens and can afford {tokens}. Lower max_tokens, or "
            f"add credits at {top_up}",
            metadata={"affordable_tokens": tokens},
        )
    return PaymentRequired(
        f"Insufficient credits for this request: {format_usd(PicoUsd(available))} are available. Add more at {top_up}",
        metadata={"affordable_tokens": max(0, tokens)},
    )
