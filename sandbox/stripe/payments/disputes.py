"""Disputes: a bank takes a payment back on its customer's word."""

from sandbox.stripe import events
from sandbox.stripe.calls.lists import Filter, listed
from sandbox.stripe.calls.parameters import CREATED, PAGE, Rules, text
from sandbox.stripe.errors import InvalidRequest, Json
from sandbox.stripe.store import Store

REASONS = ("duplicate", "fraudulent", "general", "product_not_received", "product_unacceptable", "unrecognized")
LIST: Rules = PAGE | {"created": CREATED, "payment_intent": text()}

_PAYPAL: Json = {"type": "paypal", "paypal": {"case_id": "PP-D-1", "reason_code": "UNAUTHORISED"}}
_DAYS_TO_ANSWER = 9
_OPEN = ("needs_response", "warning_needs_response")


def open_(store: Store, charge: Json, reason: str, inquiry: bool = False) -> Json:
    """A new dispute of a paid charge. An inquiry asks first and takes no money yet."""
    if not charge["paid"] or charge["disputed"]:
        raise InvalidRequest(f"Charge {charge['id']} cannot be disputed (again).", param="charge")
    card = charge["payment_method_details"].get("card")
    is_paypal = charge["payment_method_details"]["type"] == "paypal"
    shown: Json = {
        "type": "card",
        "card": card
        and {
            "brand": card["brand"],
            "case_type": "inquiry" if inquiry else "chargeback",
            "network": card["network"],
            "network_reason_code": {"fraudulent": "10.4", "product_not_received": "13.1"}.get(reason, "13.9"),
        },
    }
    dispute = store.add(
        "du",
        "dispute",
        {
            "amount": charge["amount"],
            "balance_transactions": [],
            "charge": charge["id"],
            "currency": charge["currency"],
            "enhanced_eligibility_types": [],
            "evidence": {"enhanced_evidence": {}},
            "evidence_details": {
                "due_by": store.timestamp() + _DAYS_TO_ANSWER * 24 * 3600,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
                "submission_method": "not_submitted",
            },
            "is_charge_refundable": inquiry,
            "metadata": {},
            "payment_intent": charge["payment_intent"],
            "payment_method_details": shown if card else _PAYPAL if is_paypal else None,
            "reason": reason,
            "status": "warning_needs_response" if inquiry else "needs_response",
        },
    )
    store.save(charge, disputed=True, _refundable_in_dispute=inquiry)
    events.emit(store, "charge.dispute.created", dispute)
    if not inquiry:
        events.emit(store, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def is_open(dispute: Json) -> bool:
    """Whether the bank has not decided yet."""
    return dispute["status"] in _OPEN


def close(store: Store, dispute: Json, won: bool) -> Json:
    """The dispute, decided. Winning one that had taken money brings it back."""
    if not is_open(dispute):
        raise InvalidRequest(f"Dispute {dispute['id']} is closed: its status is {dispute['status']}.")
    inquiry = dispute["status"].startswith("warning_")
    status = "warning_closed" if inquiry and won else "won" if won else "lost"
    store.save(dispute, status=status, is_charge_refundable=False)
    events.emit(store, "charge.dispute.closed", dispute)
    if won and not inquiry:
        events.emit(store, "charge.dispute.funds_reinstated", dispute)
    elif inquiry and not won:
        events.emit(store, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def warn(store: Store, charge: Json) -> None:
    """An early fraud warning: the bank says that a payment was probably not its customer's."""
    fields = {
        "actionable": True,
        "charge": charge["id"],
        "fraud_type": "made_with_stolen_card",
        "payment_intent": charge["payment_intent"],
    }
    warning = store.add("issfr", "radar.early_fraud_warning", fields)
    events.emit(store, "radar.early_fraud_warning.created", warning)


def retrieve(store: Store, given: Json, identifier: str) -> Json:
    """One dispute."""
    return store.get(identifier, "dispute")


def list_(store: Store, given: Json) -> Json:
    """Disputes, newest first."""
    return listed(store, "/v1/disputes", "dispute", given, [Filter("$.payment_intent", given.get("payment_intent"))])
