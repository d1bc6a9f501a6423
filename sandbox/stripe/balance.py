"""Balance transactions: what every charge, refund and dispute does to the merchant's own balance."""

from .errors import Json
from .lists import Filter, listed
from .parameters import CREATED, EXPAND, PAGE, Rules, text
from .store import Store

RETRIEVE: Rules = EXPAND
LIST: Rules = PAGE | {"created": CREATED, "currency": text(), "source": text(), "type": text()}

_PAYOUT_DELAY = 2 * 24 * 3600  # seconds


def record(
    store: Store,
    kind: str,
    source: str,
    amount: int,
    currency: str,
    description: str | None = None,
    fee: int | None = None,
) -> Json:
    """A new entry of `amount` cents, negative when money leaves; charges cost 2.9 % + 30 cents."""
    if fee is None:
        fee = (amount * 29 + 500) // 1000 + 30 if kind in ("charge", "payment") else 0
    fees = [
        {
            "amount": fee,
            "application": None,
            "currency": currency,
            "description": "Processing fee",
            "type": "stripe_fee",
        }
    ]
    return store.add(
        "txn",
        "balance_transaction",
        {
            "amount": amount,
            "available_on": store.timestamp() + _PAYOUT_DELAY,
            "balance_type": "payments",
            "currency": currency,
            "description": description,
            "exchange_rate": None,
            "fee": fee,
            "fee_details": fees if fee else [],
            "net": amount - fee,
            "reporting_category": {"adjustment": "dispute"}.get(kind, kind),
            "source": source,
            "status": "pending",
            "type": kind,
        },
    )


def retrieve(store: Store, given: Json, identifier: str) -> Json:
    """One entry."""
    return store.get(identifier, "balance_transaction")


def list_(store: Store, given: Json) -> Json:
    """Entries, newest first."""
    filters = [Filter(f"$.{name}", given.get(name)) for name in ("currency", "source", "type")]
    return listed(store, "/v1/balance_transactions", "balance_transaction", given, filters)
