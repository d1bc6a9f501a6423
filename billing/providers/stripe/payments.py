"""What became of a payment, whichever object tells it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import stripe

from billing.providers.types import Payment, Standing

from .connection import client, identifier, metadata_of, translated


def fetch_checkout(session_id: str) -> Payment:
    """The payment of a checkout as it stands now."""
    with translated():
        session = client().v1.checkout.sessions.retrieve(session_id, {"expand": ["payment_intent.latest_charge"]})
    return _payment_of_session(session)


def fetch_payment(payment_id: str) -> Payment:
    """The payment as it stands now, whatever started it."""
    with translated():
        intent = client().v1.payment_intents.retrieve(payment_id, {"expand": ["latest_charge"]})
    return payment_of_intent(intent)


def paid_since(moment: datetime) -> Iterator[Payment]:
    """Every successful payment that was begun since `moment`, newest first."""
    with translated():
        page = client().v1.payment_intents.list(
            {"created": {"gte": int(moment.timestamp())}, "limit": 100, "expand": ["data.latest_charge"]}
        )
        for intent in page.auto_paging_iter():
            if intent.status == "succeeded":
                yield payment_of_intent(intent)


def _payment_of_session(session: stripe.checkout.Session) -> Payment:
    intent = session.payment_intent if isinstance(session.payment_intent, stripe.PaymentIntent) else None
    charge = intent.latest_charge if intent and isinstance(intent.latest_charge, stripe.Charge) else None
    return Payment(
        standing=_standing_of_session(session, intent),
        purchase=metadata_of(session, "purchase"),
        reference=session.client_reference_id or "",
        customer=identifier(session.customer),
        currency=session.currency or "",
        asked_cents=session.amount_total or 0,
        received_cents=intent.amount_received if intent else 0,
        refunded_cents=charge.amount_refunded if charge else 0,
        is_disputed=charge.disputed if charge else False,
        is_live=session.livemode,
        payment_id=identifier(session.payment_intent),
        decline_code=_decline(intent)[0],
        is_final_decline=_decline(intent)[1],
        paid_with=_paid_with(charge),
        receipt_url=(charge.receipt_url or "") if charge else "",
        paid_at=datetime.fromtimestamp(charge.created, UTC) if charge else None,
    )


def _standing_of_session(session: stripe.checkout.Session, intent: stripe.PaymentIntent | None) -> Standing:
    if session.payment_status == "paid":
        return Standing.PAID
    if session.status == "expired":
        return Standing.EXPIRED
    if session.status != "complete":
        return Standing.OPEN
    # Finished and not paid: a method whose money arrives later, or never did.
    failed = intent is not None and intent.status in {"requires_payment_method", "canceled"}
    return Standing.FAILED if failed else Standing.PROCESSING


def payment_of_intent(intent: stripe.PaymentIntent) -> Payment:
    """The payment that this intent is; its `latest_charge` must have come with it."""
    charge = intent.latest_charge if isinstance(intent.latest_charge, stripe.Charge) else None
    standings = {
        "succeeded": Standing.PAID,
        "processing": Standing.PROCESSING,
        "canceled": Standing.FAILED,
        "requires_payment_method": Standing.FAILED,
    }
    return Payment(
        standing=standings.get(intent.status, Standing.OPEN),
        purchase=metadata_of(intent, "purchase"),
        reference=metadata_of(intent, "purchase"),
        customer=identifier(intent.customer),
        currency=intent.currency,
        asked_cents=intent.amount,
        received_cents=intent.amount_received,
        refunded_cents=charge.amount_refunded if charge else 0,
        is_disputed=charge.disputed if charge else False,
        is_live=intent.livemode,
        payment_id=intent.id,
        decline_code=_decline(intent)[0],
        is_final_decline=_decline(intent)[1],
        paid_with=_paid_with(charge),
        receipt_url=(charge.receipt_url or "") if charge else "",
        paid_at=datetime.fromtimestamp(charge.created, UTC) if charge else None,
    )


def _decline(intent: stripe.PaymentIntent | None) -> tuple[str, bool]:
    # Not every error has every field, and a missing field is an AttributeError on the SDK's objects.
    error = intent.last_payment_error.to_dict() if intent and intent.last_payment_error else {}
    code = str(error.get("decline_code") or error.get("code") or "")
    return code, error.get("advice_code") == "do_not_try_again"


def _paid_with(charge: stripe.Charge | None) -> str:
    details: dict[str, Any] = (
        charge.payment_method_details.to_dict() if charge and charge.payment_method_details else {}
    )
    if card := details.get("card"):
        return f"{str(card.get('brand') or 'card').replace('_', ' ').title()} ending in {card.get('last4')}"
    return {"alipay": "AliPay"}.get(str(details.get("type")), "")
