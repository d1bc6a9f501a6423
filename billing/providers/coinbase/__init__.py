"""The Coinbase Business gateway: checkouts paid in USDC.

It returns the types and raises the errors of `billing/providers/types.py`. Refunds are only read: cryptocurrency
payments are final, so no function here requests one.

The sandbox implements the same API at another address. This package does not know which of the two it talks to.
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
