"""The fee of requests on customers' own provider keys (BYOK), and the free share of each month.

The provider bills the customer. Our fee is a percentage of the list price, beyond a free share per account and UTC
month: a number of requests, or a sum of list prices, as the settings say. A running request reserves what it may need
of the share, so that the share is exact however many run at once: what is reserved is free at the end, whatever settles
before.
"""

import math
from datetime import datetime
from decimal import Decimal

import msgspec
from django.conf import settings

from common.money import PICO_PER_USD, PicoUsd, total_cost
from gateway.models import OwnKeyMonth

from .rows import OwnKeyMonthRow

__all__ = [
    "FreeShare", "MonthOfOwnKeys", "OwnKeyBound", "fee_of", "month_of", "month_of_own_keys", "rate",
]  # fmt: skip


class OwnKeyBound(msgspec.Struct, frozen=True, kw_only=True):
    """The most that a request can cost at list price on the customer's own keys."""

    prompt_cost: PicoUsd  # without a web search, which is not the provider's
    oversize_cost: PicoUsd
    token_price: Decimal  # USD per completion token, times the number of choices
    model_max_tokens: int

    def listed(self, requested_tokens: int | None) -> int:
        """The list price in pico-USD of the longest response."""
        tokens = min(requested_tokens or self.model_max_tokens, self.model_max_tokens)
        return self.prompt_cost + self.oversize_cost + math.ceil(tokens * self.token_price * PICO_PER_USD)


class FreeShare(msgspec.Struct, frozen=True):
    """The free share of a month: `limit` requests if it `counts_requests`, or else `limit` pico-USD of list price."""

    counts_requests: bool
    limit: int

    @classmethod
    def of_settings(cls) -> "FreeShare":
        if settings.BYOK_FREE_SHARE == "requests":
            return cls(True, settings.BYOK_FREE_REQUESTS)
        return cls(False, int(settings.BYOK_FREE_USD * PICO_PER_USD))

    def left(self, month: OwnKeyMonthRow, reserved: int) -> int:
        """The part that is neither used nor reserved, in units of `limit`."""
        used = month.free_requests if self.counts_requests else month.free_listed
        return max(0, self.limit - used - reserved)

    def needed(self, listed: int) -> int:
        """The part of the share that a request of this list price uses."""
        return 1 if self.counts_requests else listed

    def free_part(self, listed: int, share: int) -> int:
        """The part of a list price that `share` units make free."""
        if self.counts_requests:
            return listed if share >= 1 else 0
        return min(listed, share)


class MonthOfOwnKeys(msgspec.Struct, frozen=True, kw_only=True):
    """An account's requests on own provider keys in one month, for pages."""

    counts_requests: bool
    limit: int  # requests, or pico-USD of list price
    used: int  # likewise
    requests: int
    listed: int  # pico-USD
    fee_percent: str


def month_of_own_keys(account_id: int, now: datetime) -> MonthOfOwnKeys:
    """Read the account's month. Running requests are not in it."""
    share = FreeShare.of_settings()
    row = OwnKeyMonth.objects.filter(account=account_id, month=month_of(now)).first() or OwnKeyMonth()
    return MonthOfOwnKeys(
        counts_requests=share.counts_requests,
        limit=share.limit,
        used=row.free_requests if share.counts_requests else row.free_listed,
        requests=row.requests,
        listed=row.listed,
        fee_percent=f"{settings.BYOK_FEE_PERCENT.normalize():f}",
    )


def month_of(moment: datetime) -> str:
    """The UTC month of an aware moment in UTC, for example "2026-11"."""
    return f"{moment:%Y-%m}"


def fee_of(listed: int) -> PicoUsd:
    """The fee for this list price (pico-USD) beyond the free share."""
    return total_cost([(listed, settings.BYOK_FEE_PERCENT / 100 / PICO_PER_USD)])


def rate() -> str:
    """The fee as a fraction of the list price, a decimal string."""
    return f"{(settings.BYOK_FEE_PERCENT / 100).normalize():f}"
