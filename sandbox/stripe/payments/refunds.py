"""Refunds: money given back, never more than was taken."""

from sandbox.stripe import events
from sandbox.stripe.calls.lists import Filter, listed
from sandbox.stripe.calls.parameters import CREATED, EXPAND, PAGE, Rules, choice, integer, metadata, required, text
from sandbox.stripe.customers import payment_methods
from sandbox.stripe.errors import InvalidRequest, Json
from sandbox.stripe.store import Store

CREATE: Rules = EXPAND | {
    "amount": integer(least=1),
    "metadata": metadata(),
    "payment_intent": required(text()),
    "reason": choice("duplicate", "fraudulent", "requested_by_customer"),
}
LIST: Rules = PAGE | {"created": CREATED, "payment_intent": text()}

# A refund that the bank takes its time over ends after this many seconds of the sandbox's clock.
_BANK_SECONDS = 5.0


def create(store: Store, given: Json) -> Json:
    """A new refund of the whole charge or of `amount` cents of it."""
    charge = _charge(store, given)
    left = charge["amount"] - charge["amount_refunded"]
    if charge["disputed"] and not charge.get("_refundable_in_dispute"):
        raise InvalidRequest(
            f"Charge {charge['id']} has been charged back; cannot issue a refund.",
            code="charge_disputed",
            param="charge",
        )
    if left == 0:
        raise InvalidRequest(f"Charge {charge['id']} has already been refunded.", code="charge_already_refunded")
    wanted = given.get("amount", left)
    if wanted > left:
        raise InvalidRequest(
            f"Refund amount ({_dollars(wanted)}) is greater than unrefunded amount on charge ({_dollars(left)})",
            param="amount",
        )
    return add(store, charge, wanted, given)


def _charge(store: Store, given: Json) -> Json:
    intent = store.get(given["payment_intent"], "payment_intent", "payment_intent")
    if intent["status"] != "succeeded":
        raise InvalidRequest(
            f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund.", param="payment_intent"
        )
    return store.get(intent["latest_charge"], "charge")


def _dollars(cents: int) -> str:
    return f"${cents // 100}.{cents % 100:02d}"


def add(store: Store, charge: Json, cents: int, given: Json) -> Json:
    """A new refund of this charge, whose fate depends on the payment method."""
    method = store.get(charge["payment_method"], "payment_method")
    card = payment_methods.card_of(method)
    # PayPal answers later.
    fate = card.refund if card else "pending" if method["type"] == "paypal" else "succeeded"
    refund = store.add(
        "re" if card else "pyr",
        "refund",
        {
            "amount": cents,
            "balance_transaction": None,
            "charge": charge["id"],
            "currency": charge["currency"],
            "customer": charge["customer"],
            "destination_details": _destination(charge),
            "failure_balance_transaction": None,
            "failure_reason": None,
            "metadata": given.get("metadata", {}),
            "payment_intent": charge["payment_intent"],
            "payment_method": charge["payment_method"],
            "reason": given.get("reason"),
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": "pending" if fate == "pending" else "succeeded",
            "transfer_reversal": None,
        },
    )
    total = charge["amount_refunded"] + cents
    store.save(charge, amount_refunded=total, refunded=total == charge["amount"])
    if fate != "succeeded":
        store.set_timer(store.now() + _BANK_SECONDS, f"refund_{fate}", refund["id"])
    events.emit(store, "refund.created", refund)
    events.emit(store, "charge.refunded", charge)
    return refund


def _destination(charge: Json) -> Json:
    kind = charge["payment_method_details"]["type"]
    if kind != "card":
        return {"type": kind, kind: {}}
    return {
        "type": "card",
        "card": {
            "reference": None,
            "reference_status": "pending",
            "reference_type": "acquirer_reference_number",
            "type": "refund",
        },
    }


def settle(store: Store, refund: Json) -> Json:
    """The refund, arrived."""
    if refund["status"] != "pending":
        raise InvalidRequest(f"Refund {refund['id']} has a status of {refund['status']}.")
    store.save(refund, status="succeeded")
    events.emit(store, "refund.updated", refund)
    events.emit(store, "charge.refund.updated", refund)
    return refund


def fail(store: Store, refund: Json) -> Json:
    """The refund, sent back by the bank: its amount is the merchant's again."""
    if refund["status"] in ("failed", "canceled"):
        raise InvalidRequest(f"Refund {refund['id']} has a status of {refund['status']}.")
    charge = store.get(refund["charge"], "charge")
    store.save(charge, amount_refunded=charge["amount_refunded"] - refund["amount"], refunded=False)
    store.save(refund, status="failed", failure_reason="lost_or_stolen_card")
    events.emit(store, "refund.updated", refund)
    events.emit(store, "refund.failed", refund)
    events.emit(store, "charge.refund.updated", refund)
    return refund


def list_(store: Store, given: Json) -> Json:
    """Refunds, newest first."""
    return listed(store, "/v1/refunds", "refund", given, [Filter("$.payment_intent", given.get("payment_intent"))])
