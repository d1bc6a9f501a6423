"""Charges: one attempt to take money, successful or not."""

from sandbox.stripe import events
from sandbox.stripe.customers import payment_methods
from sandbox.stripe.customers.cards import Decline
from sandbox.stripe.errors import Json
from sandbox.stripe.store import Store


def add(
    store: Store, intent: Json, method: Json, status: str, decline: Decline | None = None, authenticated: bool = False
) -> Json:
    """The charge of one attempt: succeeded, pending, or failed for the reason in `decline`."""
    charge = store.add(
        "ch" if payment_methods.card_of(method) else "py",
        "charge",
        {
            "amount": intent["amount"],
            "amount_captured": 0,
            "amount_refunded": 0,
            "application": None,
            "application_fee": None,
            "application_fee_amount": None,
            "balance_transaction": None,
            "billing_details": method["billing_details"],
            "calculated_statement_descriptor": "SANDBOX",
            "captured": status == "pending",
            "currency": intent["currency"],
            "customer": intent["customer"],
            "description": intent["description"],
            "disputed": False,
            "failure_balance_transaction": None,
            "failure_code": None,
            "failure_message": None,
            "fraud_details": {},
            "metadata": intent["metadata"],
            "on_behalf_of": None,
            "outcome": _outcome(decline),
            "paid": False,
            "payment_intent": intent["id"],
            "payment_method": method["id"],
            "payment_method_details": {
                "type": method["type"],
                method["type"]: _details(method, intent["amount"], authenticated),
            },
            "presentment_details": None,
            "radar_options": {},
            "receipt_email": intent["receipt_email"],
            "receipt_number": None,
            "receipt_url": None,
            "refunded": False,
            "review": None,
            "shipping": None,
            "source": None,
            "source_transfer": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": "pending",
            "transfer_data": None,
            "transfer_group": None,
        },
    )
    if status == "succeeded":
        return succeed(store, charge)
    if decline is not None:
        return fail(store, charge, decline)
    events.emit(store, "charge.pending", charge)
    return charge


def succeed(store: Store, charge: Json) -> Json:
    """The charge, paid, with a receipt."""
    store.save(
        charge,
        amount_captured=charge["amount"],
        captured=True,
        paid=True,
        receipt_url=f"{store.address}/receipts/{charge['id']}",
        status="succeeded",
    )
    events.emit(store, "charge.succeeded", charge)
    return charge


def fail(store: Store, charge: Json, decline: Decline) -> Json:
    """The charge, failed for this reason."""
    store.save(
        charge,
        captured=False,
        failure_code=decline.code,
        failure_message=decline.message,
        outcome=_outcome(decline),
        status="failed",
    )
    events.emit(store, "charge.failed", charge)
    return charge


def _outcome(decline: Decline | None) -> Json:
    return {
        "advice_code": decline and decline.advice,
        "network_advice_code": None,
        "network_decline_code": decline and decline.network_code,
        "network_status": "declined_by_network" if decline else "approved_by_network",
        "reason": decline and decline.decline_code,
        "risk_level": "normal",
        "risk_score": 12,
        "seller_message": f"The bank returned the decline code `{decline.decline_code}`."
        if decline
        else "Payment complete.",
        "type": "issuer_declined" if decline else "authorized",
    }


def _details(method: Json, amount: int, authenticated: bool) -> Json:
    card = payment_methods.card_of(method)
    if method["type"] == "alipay":
        return {"buyer_id": None, "fingerprint": None, "transaction_id": None}
    if method["type"] == "paypal":
        return {"payer_name": None, "seller_protection": None, "transaction_id": None, **method["paypal"]}
    if card is None:
        return {"buyer_address": None, "network": "base", "token_currency": "usdc", "transaction_hash": None}
    proof = {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": None,
        "version": "2.2.0",
    }
    shown = ("brand", "checks", "country", "exp_month", "exp_year", "fingerprint", "funding", "last4")
    return {name: method["card"][name] for name in shown} | {
        "amount_authorized": amount,
        "authorization_code": None,
        "installments": None,
        "mandate": None,
        "network": card.brand,
        "network_token": {"used": False},
        "network_transaction_id": None,
        "regulated_status": "unregulated",
        "three_d_secure": proof if authenticated else None,
        "wallet": None,
    }
