"""Where money lives.

A credit account is three integers in pico-USD: `credits` (sum of its ledger entries), `usage` (sum of
its generations' charges) and `held` (sum of open holds). The balance is `credits - usage`.

* `credits` is written by `billing/credits/ledger.py` only, together with an append-only `LedgerEntry`.
* `usage` and `held` are written by the settlement of requests only, under the account's row lock.
* Lots lie end to end on the credit line in the order they were credited; `usage` is a position on
  that line, so how much of a lot is unspent is arithmetic and spending touches no lot.
"""

from .accounts import AccountBalances, CreditAccount, LedgerEntry, Lot
from .adjustments import Adjustment
from .cards import AutoTopUp, SavedCard
from .disputes import Dispute
from .events import ProviderEvent
from .expiring import ExpiringCredits
from .notices import Notice
from .purchases import Purchase, PurchaseQuerySet, id_in
from .receipts import BillingDetails, Receipt
from .refunds import Refund

__all__ = [
    "AccountBalances",
    "Adjustment",
    "AutoTopUp",
    "BillingDetails",
    "CreditAccount",
    "Dispute",
    "ExpiringCredits",
    "LedgerEntry",
    "Lot",
    "Notice",
    "ProviderEvent",
    "Purchase",
    "PurchaseQuerySet",
    "Receipt",
    "Refund",
    "SavedCard",
    "id_in",
]
