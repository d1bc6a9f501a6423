"""The status of a payment, read from a checkout session or from a payment intent."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import stripe

from billing.providers.types import Payment, PaymentStatus

from .connection import client, id_of, metadata_of, translated_errors

_INTENT_STATUSES = {
    "succeeded": PaymentStatus.PAID,
    "processing": PaymentStatus.PROCESSING,
    "canceled": PaymentStatus.FAILED,
    "requires_payment_method": PaymentStatus.FAILED,
}


def fetch_checkout(session_id: str) -> Payment:
    """The payment of a checkout in its current state."""
    with translated_errors():
        session = client().v1.checkout.sessions.retrieve(session_id, {"expand": ["payment_intent.latest_charge"]})
    return _payment_of_session(session)


def fetch_payment(payment_id: str) -> Payment:
    """A payment in its current state, whether a checkout or a saved card started it."""
    with translated_errors():
        intent = client().v1.payment_intents.retrieve(payment_id, {"expand": ["latest_charge"]})
    return payment_of_intent(intent)


def paid_since(moment: datetime) -> Iterator[Payment]:
    """Every successful payment created since `moment`, newest first."""
    with translated_errors():
        page = client().v1.payment_intents.list(
            {"created": {"gte": int(moment.timestamp())}, "limit": 100, "expand": ["data.latest_charge"]}
        )
        for intent in page.auto_paging_iter():
            if intent.status == "succeeded":
                yield payment_of_intent(intent)


def payment_of_intent(intent: stripe.PaymentIntent) -> Payment:
    """The payment described by a payment intent whose `latest_charge` is expanded."""
    return Payment(
        status=_INTENT_STATUSES.get(intent.status, PaymentStatus.OPEN),
        purchase_id=metadata_of(intent, "purchase"),
        reference=metadata_of(intent, "purchase"),
        customer_id=id_of(intent.customer),
        currency=intent.currency,
        amount_cents=intent.amount,
        is_live=intent.livemode,
        payment_id=intent.id,
        **_outcome(intent),
    )


def _payment_of_session(session: stripe.checkout.Session) -> Payment:
    intent = session.payment_intent if isinstance(session.payment_intent, stripe.PaymentIntent) else None
    return Payment(
        status=_status_of_session(session, intent),
        purchase_id=metadata_of(session, "purchase"),
        reference=session.client_reference_id or "",
        customer_id=id_of(session.customer),
        currency=session.currency or "",
        amount_cents=session.amount_total or 0,
        is_live=session.livemode,
        payment_id=id_of(session.payment_intent),
        **_outcome(intent),
    )


def _status_of_session(session: stripe.checkout.Session, intent: stripe.PaymentIntent | None) -> PaymentStatus:
    if session.payment_status == "paid":
        return PaymentStatus.PAID
    if session.status == "expired":
        return PaymentStatus.EXPIRED
    if session.status != "complete":
        return PaymentStatus.OPEN
    # Complete but unpaid: a delayed payment method, either pending or failed.
    failed = intent is not None and intent.status in {"requires_payment_method", "canceled"}
    return PaymentStatus.FAILED if failed else PaymentStatus.PROCESSING


def _outcome(intent: stripe.PaymentIntent | None) -> dict[str, Any]:
    """The fields of a Payment that come from its intent and its latest charge."""
    charge = intent.latest_charge if intent and isinstance(intent.latest_charge, stripe.Charge) else None
    # The SDK's objects raise AttributeError for a missing field, and not every error has every field.
    error = intent.last_payment_error.to_dict() if intent and intent.last_payment_error else {}
    return {
        "received_cents": intent.amount_received if intent else 0,
        "refunded_cents": charge.amount_refunded if charge else 0,
        "is_disputed": charge.disputed if charge else False,
        "decline_code": str(error.get("decline_code") or error.get("code") or ""),
        "is_final_decline": error.get("advice_code") == "do_not_try_again",
        "paid_with": _paid_with(charge),
        "receipt_url": (charge.receipt_url or "") if charge else "",
        "paid_at": datetime.fromtimestamp(charge.created, UTC) if charge else None,
    }


def _paid_with(charge: stripe.Charge | None) -> str:
    details: dict[str, Any] = (
        charge.payment_method_details.to_dict() if charge and charge.payment_method_details else {}
    )
    if card := details.get("card"):
        return f"{str(card.get('brand') or 'card').replace('_', ' ').title()} ending in {card.get('last4')}"
    return {"alipay": "Alipay", "paypal": "PayPal"}.get(str(details.get("type")), "")
