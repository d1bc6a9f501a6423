"""Checkouts: one page, one payment, then a state that stays.

ACTIVE -> [PROCESSING] -> COMPLETED | FAILED; ACTIVE -> EXPIRED | DEACTIVATED
COMPLETED -> PARTIALLY_REFUNDED -> REFUNDED
A payment that was on its way when the checkout expired still arrives: COMPLETED in the end.
"""

import base64
import binascii
import datetime
import re
import secrets
from typing import Any
from urllib.parse import urlsplit

from sandbox.payments.store import Json, Store

from . import webhooks
from .errors import invalid, not_found

STATUSES = (
    "ACTIVE",
    "PROCESSING",
    "DEACTIVATED",
    "EXPIRED",
    "COMPLETED",
    "FAILED",
    "REFUNDED",
    "PARTIALLY_REFUNDED",
)
_FIELDS = {
    "amount",
    "currency",
    "network",
    "description",
    "expiresAt",
    "metadata",
    "successRedirectUrl",
    "failRedirectUrl",
}
_TOKEN = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"
_FEE_PER_MILLE = 10
_DEFAULT_LIFE = 3600  # seconds
_REFUND_TAKES = 2.0  # seconds of the sandbox's clock


# --- Operations -----------------------------------------------------------------------------------------


def create(store: Store, given: Json) -> Json:
    """A new checkout that waits for its payment. Raises ApiError for a request that makes no sense."""
    unknown = set(given) - _FIELDS
    if unknown:
        raise invalid(f"Unknown fields: {', '.join(sorted(unknown))}.")
    cents = _cents(given.get("amount"), "amount")
    currency = given.get("currency")
    if currency not in ("USDC", "USD"):
        raise invalid("currency must be USDC, or USD (the sandbox has no other).")
    if given.get("network", "base") != "base":
        raise invalid("network must be base.")
    description = given.get("description", "")
    if not isinstance(description, str) or len(description) > 500:
        raise invalid("description has at most 500 characters.")
    expires = _moment_given(store, given["expiresAt"]) if "expiresAt" in given else store.now() + _DEFAULT_LIFE
    identifier, now = secrets.token_hex(12), moment(store.now())
    checkout: Json = {
        "id": identifier,
        "url": f"{store.address}/payment-links/pl_{identifier}",
        "status": "ACTIVE",
        "amount": amount(cents),
        "currency": "USDC",
        "network": "base",
        "address": f"0x{secrets.token_hex(20)}",
        "tokenAddress": _TOKEN,
        "description": description,
        "metadata": _metadata(given.get("metadata", {})),
        "expiresAt": moment(expires),
        "createdAt": now,
        "updatedAt": now,
    }
    if currency == "USD":
        checkout |= {"fiatAmount": amount(cents), "fiatCurrency": "USD"}
    for name in ("successRedirectUrl", "failRedirectUrl"):
        if name in given:
            checkout[name] = _url(given[name], name)
    store.set_timer(expires, "expire", identifier)
    return store.insert("checkout", checkout)


def get(store: Store, identifier: str) -> Json:
    """One checkout. Raises ApiError 404."""
    checkout = store.find(identifier, "checkout")
    if checkout is None:
        raise not_found(identifier)
    return checkout


def list_(store: Store, query: Json) -> Json:
    """A page of checkouts, newest first, and the token of the next page if there is one."""
    unknown = set(query) - {"pageSize", "pageToken", "status"}
    if unknown:
        raise invalid(f"Unknown parameters: {', '.join(sorted(unknown))}.")
    size = query.get("pageSize", "20")
    if not size.isdecimal() or not 1 <= int(size) <= 100:
        raise invalid("pageSize is a number from 1 to 100.")
    where, values = "", list[Any]()
    if "status" in query:
        if query["status"] not in STATUSES:
            raise invalid(f"status is one of {', '.join(STATUSES)}.")
        where, values = " AND json_extract(body, '$.status') = ?", [query["status"]]
    if "pageToken" in query:
        where += " AND seq < ?"
        values.append(_place(store, query["pageToken"]))
    rows = store.all("checkout", where, values, int(size) + 1)
    page: Json = {"checkouts": rows[: int(size)]}
    if len(rows) > int(size):
        page["nextPageToken"] = base64.urlsafe_b64encode(rows[int(size) - 1]["id"].encode()).decode()
    return page


def _place(store: Store, token: str) -> int:
    try:
        place = store.sequence(base64.urlsafe_b64decode(token).decode(), "checkout")
    except (ValueError, binascii.Error):
        place = None
    if place is None:
        raise invalid("pageToken must be the nextPageToken of the page before.")
    return place


def deactivate(store: Store, identifier: str) -> Json:
    """The checkout, closed by its shop."""
    checkout = get(store, identifier)
    if checkout["status"] != "ACTIVE":
        raise invalid(f"Only an ACTIVE checkout can be deactivated; this one is {checkout['status']}.")
    return _change(store, checkout, status="DEACTIVATED")


def refund(store: Store, identifier: str, given: Json) -> Json:
    """A refund that is under way, with its checkout."""
    checkout = get(store, identifier)
    unknown = set(given) - {"amount", "currency", "reason"}
    if unknown:
        raise invalid(f"Unknown fields: {', '.join(sorted(unknown))}.")
    if checkout["status"] not in ("COMPLETED", "PARTIALLY_REFUNDED"):
        raise invalid(f"Only a COMPLETED checkout can be refunded; this one is {checkout['status']}.")
    cents = _cents(given.get("amount"), "amount")
    begun = sum(cents_of(each["amount"]) for each in checkout.get("refunds", []) if each["status"] != "FAILED")
    left = cents_of(checkout["amount"]) - begun
    if cents > left:
        raise invalid(f"At most {amount(left)} USDC can still be refunded.")
    new = {
        "id": secrets.token_hex(12),
        "checkoutId": identifier,
        "amount": amount(cents),
        "currency": "USDC",
        "status": "PENDING",
        "reason": str(given.get("reason", "")),
        "createdAt": moment(store.now()),
    }
    _change(store, checkout, refunds=[*checkout.get("refunds", []), new])
    store.set_timer(store.now() + _REFUND_TAKES, "refund", f"{identifier}/{new['id']}")
    return {"checkout": checkout, "refund": new}


# --- What buyers, banks and clocks do -------------------------------------------------------------------


def pay(store: Store, checkout: Json) -> Json:
    """The checkout with its payment seen on the chain, but not yet confirmed."""
    if checkout["status"] != "ACTIVE":
        raise invalid(f"This checkout is {checkout['status']}.")
    return _change(store, checkout, status="PROCESSING", transactionHash=f"0x{secrets.token_hex(32)}")


def confirm(store: Store, checkout: Json, received: str | None = None) -> Json:
    """The checkout, paid. Money that comes late, after it expired, still counts.

    `received` is the amount that arrived, such as "20.00", when it differs from the checkout's.
    """
    if checkout["status"] not in ("ACTIVE", "PROCESSING", "EXPIRED", "DEACTIVATED"):
        raise invalid(f"This checkout is {checkout['status']}.")
    total = cents_of(checkout["amount"]) if received is None else _cents(received, "received")
    fee = (total * _FEE_PER_MILLE + 500) // 1000
    settlement = {
        "totalAmount": amount(total),
        "feeAmount": amount(fee),
        "netAmount": amount(total - fee),
        "currency": "USDC",
    }
    chain = checkout.get("transactionHash", f"0x{secrets.token_hex(32)}")
    _change(store, checkout, status="COMPLETED", settlement=settlement, transactionHash=chain)
    webhooks.emit(store, "checkout.payment.success", checkout)
    return checkout


def other_amount(checkout: Json, outcome: str | None) -> str | None:
    """The amount of a payment of one USDC too "little" or too "much"; None for the exact amount."""
    difference = {"little": -100, "much": 100}.get(outcome or "")
    return None if difference is None else amount(max(1, cents_of(checkout["amount"]) + difference))


def fail(store: Store, checkout: Json) -> Json:
    """The checkout, whose payment went wrong."""
    if checkout["status"] not in ("ACTIVE", "PROCESSING"):
        raise invalid(f"This checkout is {checkout['status']}.")
    _change(store, checkout, status="FAILED")
    webhooks.emit(store, "checkout.payment.failed", checkout)
    return checkout


def expire(store: Store, checkout: Json) -> Json:
    """The checkout, closed because its time is over."""
    if checkout["status"] != "ACTIVE":
        raise invalid(f"This checkout is {checkout['status']}.")
    _change(store, checkout, status="EXPIRED")
    webhooks.emit(store, "checkout.payment.expired", checkout)
    return checkout


def finish_refund(store: Store, checkout: Json, identifier: str, succeeded: bool) -> Json:
    """The checkout after the end of one of its refunds."""
    refunds = checkout.get("refunds", [])
    mine = next((each for each in refunds if each["id"] == identifier), None)
    if mine is None or mine["status"] != "PENDING":
        raise invalid("There is no such refund under way.")
    mine["status"] = "COMPLETED" if succeeded else "FAILED"
    changes: Json = {"refunds": refunds}
    if succeeded:
        mine |= {"completedAt": moment(store.now()), "transactionHash": f"0x{secrets.token_hex(32)}"}
        total = sum(cents_of(each["amount"]) for each in refunds if each["status"] == "COMPLETED")
        whole = total == cents_of(checkout["amount"])
        changes |= {"refundedAmount": amount(total), "status": "REFUNDED" if whole else "PARTIALLY_REFUNDED"}
    _change(store, checkout, **changes)
    webhooks.emit(store, f"checkout.refund.{'success' if succeeded else 'failed'}", checkout)
    return checkout


def run_due(store: Store) -> None:
    """Carry out due timers: checkouts expire, refunds arrive."""
    while True:
        with store.transaction():
            timer = store.take_due_timer()
            if timer is None:
                return
            action, subject = timer
            identifier, _, part = subject.partition("/")
            checkout = get(store, identifier)
            if action == "expire" and checkout["status"] == "ACTIVE":
                expire(store, checkout)
            elif action == "refund" and any(
                each["id"] == part and each["status"] == "PENDING" for each in checkout.get("refunds", [])
            ):
                finish_refund(store, checkout, part, succeeded=True)


def _change(store: Store, checkout: Json, **changes: Any) -> Json:
    return store.save(checkout, **changes, updatedAt=moment(store.now()))


# --- Values ---------------------------------------------------------------------------------------------


def amount(cents: int) -> str:
    """Cents as the API writes them: "10.80"."""
    return f"{cents // 100}.{cents % 100:02d}"


def cents_of(text: str) -> int:
    """The cents of an amount that the sandbox wrote."""
    whole, _, decimals = text.partition(".")
    return int(whole) * 100 + int(decimals.ljust(2, "0"))


def _cents(value: Any, name: str) -> int:
    if not isinstance(value, str) or not re.fullmatch(r"\d{1,9}(\.\d{1,2})?", value):
        raise invalid(f'{name} is a text with at most two decimals, as in "10.80".')
    cents = cents_of(value)
    if not 1 <= cents <= 100_000_000_00:
        raise invalid(f"{name} is from 0.01 to 100000000.")
    return cents


def moment(timestamp: float) -> str:
    """A time as the API writes it."""
    return datetime.datetime.fromtimestamp(timestamp, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment_given(store: Store, value: Any) -> float:
    try:
        given = datetime.datetime.fromisoformat(value).timestamp() if "T" in value else 0.0
    except (TypeError, ValueError):
        given = 0.0
    if given <= store.now():
        raise invalid("expiresAt is a time in the future, as in 2030-01-31T12:00:00Z.")
    return given


def _metadata(value: Any) -> Json:
    if not isinstance(value, dict) or len(value) > 20:
        raise invalid("metadata has at most 20 pairs.")
    for name, text in value.items():
        if not isinstance(text, str) or len(text) > 100 or len(name) > 40:
            raise invalid(f"metadata.{name} is not a text of at most 100 characters.")
    return value


def _url(value: Any, name: str) -> str:
    """An https address; plain http on this machine, where a shop in development runs."""
    parts = urlsplit(value) if isinstance(value, str) and len(value) <= 2048 else None
    local = parts is not None and parts.hostname in ("127.0.0.1", "localhost")
    if parts is None or not parts.netloc or not (parts.scheme == "https" or (local and parts.scheme == "http")):
        raise invalid(f"{name} must be an https address.")
    return str(value)
