"""Holds: how much a request reserves before any work, and whether it may start. Pure functions.

A hold is an upper bound: the prompt and `max_tokens` at the price of the plan's most expensive endpoint. A request
without `max_tokens` gets the model's own limit if a quarter of the balance covers it, else as many tokens as that
quarter buys, so that one request does not starve the next.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec
from django.conf import settings

from billing.spending import AccountRow
from common.errors import PaymentRequired, PermissionDenied
from common.money import PICO_PER_USD, PicoUsd, format_exact_usd

from .own_keys import OwnKeyBound
from .rows import GenerationRow

__all__ = ["Admission", "Admit", "Limit", "free_admission", "hold_for", "hold_with_own_keys"]

#: Without `max_tokens`, a request holds at most the available balance divided by this...
BALANCE_DIVISOR = 4
#: ...or as much as a response of this many tokens needs, if that is more.
SHORT_RESPONSE_TOKENS = 4096
#: With fewer affordable tokens than this, a response is not worth starting.
MIN_TOKENS = 16
#: The refusal by whose limit it is, with its remedy.
_LIMITS = {
    "key": (
        "This request exceeds the API key's remaining spend limit ({left}). Raise the limit at {site}/settings/keys"
    ),
    "member": (
        "This request exceeds your remaining spend limit in this organization ({left}). Ask an admin to raise it at "
        "{site}/settings/organization"
    ),
    "guardrail": (
        "This request exceeds the remaining budget of the guardrail “{guardrail}” ({left}). An admin can raise it at "
        "{site}/settings/guardrails"
    ),
}


class Limit(NamedTuple):
    """A limit that a request counts toward, and what it leaves (pico-USD). None: nothing is limited."""

    of: str  # "key", "member" or "guardrail"
    left: int | None
    guardrail: str = ""  # its name
    includes_byok: bool = False  # whether list prices on own provider keys count toward it


class Admit(msgspec.Struct, frozen=True, kw_only=True):
    """A request that wants to start. Costs are in pico-USD, those of the most expensive endpoint."""

    generation: GenerationRow
    prompt_cost: PicoUsd  # with everything else that does not depend on the length of the response
    oversize_cost: PicoUsd = PicoUsd(0)  # in addition, if files have far more tokens than their size suggests
    token_price: Decimal  # USD per completion token, times the number of choices
    requested_tokens: int | None  # the caller's `max_tokens`
    model_max_tokens: int  # the most that any model of the plan can produce
    #: Where the customer's own keys come in: their bound. The costs above are then those on shared capacity...
    own: OwnKeyBound | None = None
    is_shared: bool = True  # ...if the plan has any...
    search_cost: PicoUsd = PicoUsd(0)  # ...with this part of `prompt_cost`, which is the same on either.


def free_admission(generation: GenerationRow) -> Admit:
    """The operation that admits a request that will cost nothing: its account and key are checked, nothing is held."""
    return Admit(
        generation=generation, prompt_cost=PicoUsd(0), token_price=Decimal(0), requested_tokens=None, model_max_tokens=0
    )


class Admission(msgspec.Struct, frozen=True):
    """The request may start, with this hold (pico-USD)."""

    hold: PicoUsd
    max_tokens: int | None  # to send to the provider; None when the balance covers the model's own limit
    own_max_tokens: int | None = None  # likewise, to the provider of an own key
    only_own: bool = False  # the balance does not cover shared capacity: own keys only
    byok_listed: int = 0  # pico-USD: what limits that include list prices on own keys have to leave beside the hold


def hold_for(operation: Admit, account: AccountRow, limits: Sequence[Limit] = ()) -> tuple[PicoUsd, int | None]:
    """(the hold in pico-USD, the `max_tokens` to send to the provider or None for the model's own limit).

    The strictest of the `limits` counts. Raises PaymentRequired when the account is frozen, or when the balance or a
    limit does not cover the request, PermissionDenied when the budget of a guardrail does not.
    """
    if account.frozen_reason:
        raise PaymentRequired(
            f"This account is frozen: {account.frozen_reason} See {settings.SITE_URL}/settings/credits"
        )
    available = account.available
    strictest = None
    for limit in limits:
        if limit.left is not None and limit.left < available:
            available, strictest = limit.left, limit
    return _fitting(operation, available, strictest)


def _fitting(operation: Admit, available: int, strictest: Limit | None) -> tuple[PicoUsd, int | None]:
    """As `hold_for`, for a request that may cost what is `available` (pico-USD); `strictest` is whose limit that is."""
    token_pico = operation.token_price * PICO_PER_USD
    wanted = min(operation.requested_tokens or operation.model_max_tokens, operation.model_max_tokens)
    if operation.prompt_cost == 0 and token_pico == 0:
        return PicoUsd(0), operation.requested_tokens

    def affordable(amount: int) -> int:
        """Completion tokens that `amount` (pico-USD) buys after the prompt; -1 when it does not cover the prompt."""
        rest = amount - operation.prompt_cost
        return min(wanted, int(rest / token_pico) if token_pico else wanted) if rest >= 0 else -1

    tokens = affordable(available)
    enough = wanted if operation.requested_tokens else min(wanted, MIN_TOKENS)
    if available <= 0 or tokens < enough:
        raise _too_expensive(operation, available, tokens, strictest)
    if operation.requested_tokens is None and token_pico:
        tokens = max(affordable(available // BALANCE_DIVISOR), min(tokens, SHORT_RESPONSE_TOKENS))
    # Hardly any file is as large as a hostile one could be: hold that much where the balance has it, but do not ask
    # for it.
    hold = PicoUsd(min(available, operation.prompt_cost + math.ceil(tokens * token_pico) + operation.oversize_cost))
    shrunk = operation.requested_tokens is None and tokens < operation.model_max_tokens
    return hold, tokens if shrunk else operation.requested_tokens


def hold_with_own_keys(operation: Admit, account: AccountRow, limits: Sequence[Limit], *, is_free: bool) -> Admission:
    """The admission of a request that may be served on the customer's own keys, then or first on shared capacity.

    On own keys only the fee is held; nothing if the request `is_free`. An account that can't pay for shared capacity
    is served on its own keys alone. Raises as `hold_for` when it can't even pay the fee, or when a limit that includes
    list prices does not cover the list price.
    """
    own = operation.own
    assert own is not None, "a request with own keys"
    own_hold, own_max_tokens = hold_for(_on_own_keys(operation, own, listed=0, is_free=is_free), account, limits)
    listed = 0
    if including := [limit for limit in limits if limit.includes_byok and limit.left is not None]:
        strictest = min(including, key=lambda limit: limit.left or 0)
        at_list_price = _on_own_keys(operation, own, listed=1, is_free=is_free)
        listed, covered_tokens = _fitting(at_list_price, strictest.left or 0, strictest)
        if covered_tokens is not None:
            own_max_tokens = min(covered_tokens, own_max_tokens or covered_tokens)
    only_own = not operation.is_shared
    hold, max_tokens = own_hold, own_max_tokens
    if not only_own:
        try:
            hold, max_tokens = hold_for(operation, account, limits)
        except (PaymentRequired, PermissionDenied):
            only_own = True
    hold = max(hold, own_hold)
    return Admission(hold, max_tokens, own_max_tokens, only_own, byok_listed=max(0, listed - hold))


def _on_own_keys(operation: Admit, own: OwnKeyBound, *, listed: int, is_free: bool) -> Admit:
    """The same request at what it costs on own keys: our fee unless it `is_free`, `listed` times the list price, and
    the web search."""
    factor = listed + (Decimal(0) if is_free else settings.BYOK_FEE_PERCENT / 100)
    return msgspec.structs.replace(
        operation,
        prompt_cost=PicoUsd(operation.search_cost + math.ceil(own.prompt_cost * factor)),
        oversize_cost=PicoUsd(math.ceil(own.oversize_cost * factor)),
        token_price=own.token_price * factor,
        model_max_tokens=own.model_max_tokens,
    )


def _too_expensive(
    operation: Admit, available: int, tokens: int, strictest: Limit | None
) -> PaymentRequired | PermissionDenied:
    if strictest is not None:
        return _limit_reached(strictest, tokens)
    top_up = f"{settings.SITE_URL}/settings/credits"
    if available <= 0:
        return PaymentRequired(f"Insufficient credits. Add credits at {top_up}", metadata={"affordable_tokens": 0})
    if operation.requested_tokens and tokens >= MIN_TOKENS:
        return PaymentRequired(
            f"This request allows up to {operation.requested_tokens} tokens. Your balance covers {tokens}. Lower "
            f"max_tokens, or add credits at {top_up}",
            metadata={"affordable_tokens": tokens},
        )
    return PaymentRequired(
        f"Insufficient credits for this request. Available: {format_exact_usd(PicoUsd(available))}. "
        f"Add credits at {top_up}",
        metadata={"affordable_tokens": max(0, tokens)},
    )


def _limit_reached(limit: Limit, tokens: int = 0) -> PaymentRequired | PermissionDenied:
    """Return the refusal of a request that a limit does not cover: 402, or 403 for the budget of a guardrail."""
    refusal = PermissionDenied if limit.of == "guardrail" else PaymentRequired
    left = format_exact_usd(PicoUsd(max(0, limit.left or 0)))
    return refusal(
        _LIMITS[limit.of].format(left=left, site=settings.SITE_URL, guardrail=limit.guardrail),
        metadata={"limit": limit.of, "affordable_tokens": max(0, tokens)},
    )
