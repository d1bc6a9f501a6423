"""Credit accounts, purchases and everything else that is about money.

A credit account has three amounts in pico-USD: `credits` (the sum of its ledger entries), `usage` (the sum of its
generations' costs) and `held` (the sum of open holds). The balance is `credits - usage`.

* Only `billing/credits/ledger.py` writes `credits`, together with an append-only `LedgerEntry`.
* Only the settlement of requests writes `usage` and `held`, under the account's row lock.
* An account's lots, in the order they were credited, form its credit line, and `usage` is a position on it. The
  unspent part of a lot follows from the two, so spending does not write to lots.
"""

from .accounts import AccountBalances, CreditAccount, LedgerEntry, Lot
from .adjustments import Adjustment
from .cards import AutoTopUp, SavedCard
from .disputes import Dispute
from .email_choices import EmailChoice, SentAlert
from .erasures import ProviderErasure, UsedAllowance
from .events import ProviderEvent
from .expiring import ExpiringCredits
from .notices import Notice
from .promotions import PromotionalCode, Redemption
from .purchases import Purchase, PurchaseQuerySet, parse_id
from .receipts import BillingDetails, Receipt
from .reconciliations import ReconciliationRun
from .refunds import Refund

__all__ = [
    "AccountBalances",
    "Adjustment",
    "AutoTopUp",
    "BillingDetails",
    "CreditAccount",
    "Dispute",
    "EmailChoice",
    "ExpiringCredits",
    "LedgerEntry",
    "Lot",
    "Notice",
    "PromotionalCode",
    "ProviderErasure",
    "ProviderEvent",
    "Purchase",
    "PurchaseQuerySet",
    "Receipt",
    "ReconciliationRun",
    "Redemption",
    "Refund",
    "SavedCard",
    "SentAlert",
    "UsedAllowance",
    "parse_id",
]
