"""Checkouts: hosted pages for one USDC payment each. A checkout and its payment share one id."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from itertools import takewhile
from typing import Any
from urllib.parse import quote, urlsplit

from django.conf import settings

from billing.providers.types import (
    Checkout,
    CheckoutClosed,
    NotFound,
    Payment,
    PaymentStatus,
    ProviderRefund,
    RefundStatus,
    RequestRejected,
)

from .connection import Json, is_live, request

#: Checkouts per page of a listing.
PAGE_SIZE = 100
#: How old a checkout may be and still be looked at for a recent refund made in the dashboard.
REFUNDABLE_FOR = timedelta(days=90)

_STATUSES = {
    "ACTIVE": PaymentStatus.OPEN,
    "PROCESSING": PaymentStatus.PROCESSING,
    "COMPLETED": PaymentStatus.PAID,
    "PARTIALLY_REFUNDED": PaymentStatus.PAID,
    "REFUNDED": PaymentStatus.PAID,
    "FAILED": PaymentStatus.FAILED,
    "EXPIRED": PaymentStatus.EXPIRED,
    "DEACTIVATED": PaymentStatus.EXPIRED,
}
_REFUNDED = ("REFUNDED", "PARTIALLY_REFUNDED")
_REFUND_STATUSES = {"COMPLETED": RefundStatus.SUCCEEDED, "FAILED": RefundStatus.FAILED}


def open_checkout(
    *, purchase_id: str, cents: int, description: str, return_url: str, expires_at: datetime, key: str
) -> Checkout:
    """Create a checkout for `cents` US cents, paid in USDC at one to one.

    The page closes at `expires_at` and sends the buyer to `return_url` after success and failure alike. The same
    `key` (a version 4 UUID) returns the same checkout.
    """
    body: Json = {
        "amount": f"{cents // 100}.{cents % 100:02d}",
        "currency": "USDC",
        "network": "base",
        "description": description,
        "expiresAt": expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "metadata": {"purchase": purchase_id, "mode": "live" if is_live() else "test"},
    }
    if _is_allowed_return_url(return_url):
        body |= {"successRedirectUrl": return_url, "failRedirectUrl": return_url}
    created = request("POST", body=body, key=key)
    return Checkout(id=str(created["id"]), url=str(created["url"]))


def expire_checkout(checkout_id: str) -> None:
    """Expire a checkout so that it takes no payment. CheckoutClosed if it is paid, processing or already expired."""
    try:
        request("POST", f"/{quote(checkout_id, safe='')}/deactivate")
    except NotFound:
        raise
    except RequestRejected as error:
        raise CheckoutClosed(str(error)) from error


def fetch_checkout(checkout_id: str) -> Payment:
    """The payment of a checkout in its current state."""
    return _to_payment(request("GET", f"/{quote(checkout_id, safe='')}"))


def paid_since(moment: datetime) -> Iterator[Payment]:
    """Every payment received for a checkout created since `moment`."""
    for checkout in _list_checkouts(("COMPLETED", *_REFUNDED), moment):
        yield _to_payment(checkout)


def refunds_of(checkout_id: str) -> list[ProviderRefund]:
    """Every refund of a checkout. All of them were made in the provider's dashboard."""
    return _to_refunds(request("GET", f"/{quote(checkout_id, safe='')}"))


def refunded_since(moment: datetime) -> Iterator[ProviderRefund]:
    """Every refund made since `moment`."""
    for checkout in _list_checkouts(_REFUNDED, moment - REFUNDABLE_FOR):
        for raw, refund in zip(checkout["refunds"], _to_refunds(checkout), strict=True):
            if _parse_time(raw["createdAt"]) >= moment:
                yield refund


# --- Reading responses ------------------------------------------------------------------------------


def _list_checkouts(statuses: tuple[str, ...], since: datetime) -> Iterator[Json]:
    """The checkouts with one of these statuses created since then."""
    for status in statuses:
        yield from takewhile(lambda checkout: _parse_time(checkout["createdAt"]) >= since, _newest_first(status))


def _newest_first(status: str) -> Iterator[Json]:
    query = {"status": status, "pageSize": str(PAGE_SIZE)}
    while True:
        page = request("GET", query=query)
        yield from page["checkouts"]
        if not page.get("nextPageToken"):
            return
        query["pageToken"] = page["nextPageToken"]


def _to_payment(checkout: Json) -> Payment:
    # An unknown status must trigger nothing: as PROCESSING it is polled until it is one that we know.
    status = _STATUSES.get(str(checkout.get("status")), PaymentStatus.PROCESSING)
    metadata = checkout.get("metadata") or {}
    # The settlement says how much arrived. COMPLETED without one means that the full amount arrived.
    settlement = checkout.get("settlement") or {"totalAmount": checkout.get("amount"), "currency": "USDC"}
    paid = status is PaymentStatus.PAID
    currencies = {checkout.get("currency"), checkout.get("network"), *([settlement.get("currency")] if paid else [])}
    return Payment(
        status=status,
        purchase_id=str(metadata.get("purchase") or ""),
        reference=str(metadata.get("purchase") or ""),
        customer_id="",
        currency=" ".join(sorted(str(each).lower() for each in currencies)),
        amount_cents=_to_cents(checkout.get("amount")),
        received_cents=_to_cents(settlement.get("totalAmount")) if paid else 0,
        refunded_cents=_to_cents(checkout.get("refundedAmount")),
        is_disputed=False,
        is_live=metadata.get("mode") == "live",
        payment_id=str(checkout["id"]),
        decline_code="failed" if status is PaymentStatus.FAILED else "",
        is_final_decline=False,
        paid_with="USDC on Base",
        receipt_url="",
        paid_at=_parse_time(checkout["updatedAt"]) if paid else None,
        transaction=str(checkout.get("transactionHash") or ""),
    )


def _to_refunds(checkout: Json) -> list[ProviderRefund]:
    return [
        ProviderRefund(
            id=str(refund["id"]),
            refund_id="",
            payment_id=str(checkout["id"]),
            cents=_to_cents(refund.get("amount")),
            status=_REFUND_STATUSES.get(str(refund.get("status")), RefundStatus.PENDING),
        )
        for refund in checkout.get("refunds") or []
    ]


def _to_cents(amount: Any) -> int:
    """Whole cents of an amount such as "10.80". Fractions of a cent are dropped; anything unreadable counts as 0."""
    try:
        cents = Decimal(str(amount)) * 100
    except InvalidOperation:
        return 0
    return int(cents) if cents.is_finite() else 0


def _parse_time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _is_allowed_return_url(url: str) -> bool:
    """Whether the provider accepts the URL: https only, except that the sandbox also accepts this machine."""
    parts = urlsplit(url)
    is_local = settings.COINBASE_IS_SANDBOX and parts.hostname in {"127.0.0.1", "localhost"}
    return parts.scheme == "https" or is_local
