"""Coinbase Business, in our own words: checkouts that are paid in USDC.

Answers and errors are those of `billing/providers/types.py`. Refunds are only ever read: what is paid in
cryptocurrency is not given back, and nothing here can ask for it.

The sandbox speaks the same protocol at another address; nothing here knows which of the two answers.
"""

from .checkouts import expire_checkout, fetch_checkout, open_checkout, paid_since, refunded_since, refunds_of
from .connection import is_configured, is_live
from .events import read_event

__all__ = [
    "expire_checkout",
    "fetch_checkout",
    "is_configured",
    "is_live",
    "open_checkout",
    "paid_since",
    "read_event",
    "refunded_since",
    "refunds_of",
]
