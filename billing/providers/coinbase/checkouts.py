"""Checkouts: hosted payment pages, each for one payment in USDC. A checkout is its own payment: one id names both."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import takewhile
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings

from billing.providers.types import (
    Checkout,
    NotOpen,
    NotThere,
    Payment,
    ProviderRefund,
    RefundStanding,
    Refused,
    Standing,
)

from .connection import Json, ask, is_live

_STANDINGS = {
    "ACTIVE": Standing.OPEN,
    "PROCESSING": Standing.PROCESSING,
    "COMPLETED": Standing.PAID,
    "PARTIALLY_REFUNDED": Standing.PAID,
    "REFUNDED": Standing.PAID,
    "FAILED": Standing.FAILED,
    "EXPIRED": Standing.EXPIRED,
    "DEACTIVATED": Standing.EXPIRED,
}
_PAGE = "100"  # checkouts in one answer
_REFUNDED = ("REFUNDED", "PARTIALLY_REFUNDED")
_REFUND_STANDINGS = {"COMPLETED": RefundStanding.SUCCEEDED, "FAILED": RefundStanding.FAILED}
#: A checkout can be refunded in the provider's dashboard long after it was made.
_REFUNDED_WITHIN = timedelta(days=90)


def open_checkout(
    *, purchase: str, cents: int, description: str, return_url: str, expires_at: datetime, key: str
) -> Checkout:
    """A page on which the buyer pays so many cents in USDC, one for one with the dollar.

    The page sends the buyer back to `return_url` however it ends, and closes at `expires_at`. The same key (a
    version 4 UUID) returns the same page.
    """
    body: Json = {
        "amount": f"{cents // 100}.{cents % 100:02d}",
        "currency": "USDC",
        "network": "base",
        "description": description,
        "expiresAt": expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "metadata": {"purchase": purchase, "mode": _mode()},
    }
    if _can_return_to(return_url):
        body |= {"successRedirectUrl": return_url, "failRedirectUrl": return_url}
    made = ask("POST", body=body, key=key)
    return Checkout(id=str(made["id"]), url=str(made["url"]))


def expire_checkout(checkout_id: str) -> None:
    """Close a checkout so that it takes no payment any more. NotOpen when it is paid, on its way, or closed."""
    try:
        ask("POST", f"/{quote(checkout_id, safe='')}/deactivate")
    except NotThere:
        raise
    except Refused as refusal:
        raise NotOpen(str(refusal)) from refusal


def fetch_checkout(checkout_id: str) -> Payment:
    """The payment of a checkout as it stands now."""
    return _payment(ask("GET", f"/{quote(checkout_id, safe='')}"))


def paid_since(moment: datetime) -> Iterator[Payment]:
    """Every payment that has arrived of a checkout opened since `moment`."""
    for checkout in _listed(("COMPLETED", *_REFUNDED), moment):
        yield _payment(checkout)


def refunds_of(checkout_id: str) -> list[ProviderRefund]:
    """Every refund of a checkout. All of them were made in the provider's dashboard."""
    return _refunds(ask("GET", f"/{quote(checkout_id, safe='')}"))


def refunded_since(moment: datetime) -> Iterator[ProviderRefund]:
    """Every refund that was made since `moment`."""
    for checkout in _listed(_REFUNDED, moment - _REFUNDED_WITHIN):
        for refund, told in zip(checkout["refunds"], _refunds(checkout), strict=True):
            if _moment(refund["createdAt"]) >= moment:
                yield told


# --- What it says -----------------------------------------------------------------------------------


def _listed(statuses: tuple[str, ...], since: datetime) -> Iterator[Json]:
    """The checkouts in one of these states that were made since then."""
    for status in statuses:
        yield from takewhile(lambda checkout: _moment(checkout["createdAt"]) >= since, _newest_first(status))


def _newest_first(status: str) -> Iterator[Json]:
    query = {"status": status, "pageSize": _PAGE}
    while True:
        page = ask("GET", query=query)
        yield from page["checkouts"]
        if not page.get("nextPageToken"):
            return
        query["pageToken"] = page["nextPageToken"]


def _payment(checkout: Json) -> Payment:
    # A state that we have never heard of is none that we may act on: the clock asks again.
    standing = _STANDINGS.get(str(checkout.get("status")), Standing.PROCESSING)
    metadata = checkout.get("metadata") or {}
    # Of a paid checkout it says what has arrived; one without it was paid as asked, that is what COMPLETED means.
    arrived = checkout.get("settlement") or {"totalAmount": checkout.get("amount"), "currency": "USDC"}
    paid = standing is Standing.PAID
    currencies = {checkout.get("currency"), checkout.get("network"), *([arrived.get("currency")] if paid else [])}
    return Payment(
        standing=standing,
        purchase=str(metadata.get("purchase") or ""),
        reference=str(metadata.get("purchase") or ""),
        customer="",
        currency=" ".join(sorted(str(each).lower() for each in currencies)),
        asked_cents=_cents(checkout.get("amount")),
        received_cents=_cents(arrived.get("totalAmount")) if paid else 0,
        refunded_cents=_cents(checkout.get("refundedAmount")),
        is_disputed=False,
        is_live=metadata.get("mode") == "live",
        payment_id=str(checkout["id"]),
        decline_code="failed" if standing is Standing.FAILED else "",
        is_final_decline=False,
        paid_with="USDC on Base",
        receipt_url="",
        paid_at=_moment(checkout["updatedAt"]) if paid else None,
        transaction=str(checkout.get("transactionHash") or ""),
    )


def _refunds(checkout: Json) -> list[ProviderRefund]:
    return [
        ProviderRefund(
            id=str(refund["id"]),
            refund="",
            payment_id=str(checkout["id"]),
            cents=_cents(refund.get("amount")),
            standing=_REFUND_STANDINGS.get(str(refund.get("status")), RefundStanding.PENDING),
        )
        for refund in checkout.get("refunds") or []
    ]


def _cents(amount: Any) -> int:
    """Whole cents of an amount such as "10.80"; a fraction of a cent is left out, and what is no amount is nothing."""
    try:
        cents = Decimal(str(amount)) * 100
    except InvalidOperation:
        return 0
    return int(cents) if cents.is_finite() else 0


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _mode() -> str:
    return "live" if is_live() else "test"


def _can_return_to(url: str) -> bool:
    """The provider sends buyers to https addresses only; the sandbox also to this machine."""
    parts = urlsplit(url)
    is_here = settings.COINBASE_IS_SANDBOX and parts.hostname in {"127.0.0.1", "localhost"}
    return parts.scheme == "https" or is_here
