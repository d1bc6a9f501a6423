"""Credits about to expire; not stored."""

from dataclasses import dataclass
from datetime import datetime

from common.money import PicoUsd


@dataclass(frozen=True)
class ExpiringCredits:
    """Credits (pico-USD) of one purchase or code that expire at a known time unless they are spent before."""

    amount: PicoUsd
    expires_at: datetime
    bought_at: datetime  # or redeemed
    is_promotional: bool = False
