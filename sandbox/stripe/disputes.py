"""Disputes: a bank takes a payment back on its customer's word, and the argument that follows."""

from . import balance, events
from .errors import InvalidRequest, Json
from .lists import Filter, listed
from .parameters import CREATED, EXPAND, PAGE, Rules, boolean, metadata, nested, text
from .parameters import merged as merged_metadata
from .store import Store

REASONS = (
    "credit_not_processed",
    "duplicate",
    "fraudulent",
    "general",
    "product_not_received",
    "product_unacceptable",
    "subscription_canceled",
    "unrecognized",
)
_EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)
UPDATE: Rules = EXPAND | {
    "evidence": nested({name: text(20_000) for name in _EVIDENCE}),
    "metadata": metadata(),
    "submit": boolean(),
}
CLOSE: Rules = EXPAND
RETRIEVE: Rules = EXPAND
LIST: Rules = PAGE | {"charge": text(), "created": CREATED, "payment_intent": text()}

_FEE = 1500  # cents
_DAYS_TO_ANSWER = 9
_OPEN = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")


def open_(store: Store, charge: Json, reason: str, inquiry: bool = False) -> Json:
    """A new dispute of a paid charge. An inquiry asks first and takes no money yet."""
    if not charge["paid"] or charge["disputed"]:
        raise InvalidRequest(f"Charge {charge['id']} cannot be disputed (again).", param="charge")
    details = charge["payment_method_details"]
    card = details.get("card")
    code = {"fraudulent": "10.4", "product_not_received": "13.1"}.get(reason, "13.9")
    shown: Json = {
        "type": "card",
        "card": card
        and {
            "brand": card["brand"],
            "case_type": "inquiry" if inquiry else "chargeback",
            "network": card["network"],
            "network_reason_code": code,
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
            "evidence": dict.fromkeys(_EVIDENCE) | {"enhanced_evidence": {}},
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
            "payment_method_details": shown if card else None,
            "reason": reason,
            "status": "warning_needs_response" if inquiry else "needs_response",
        },
    )
    store.save(charge, disputed=True, _refundable_in_dispute=inquiry)
    if not inquiry:
        _move(store, dispute, -dispute["amount"], _FEE)
    events.emit(store, "charge.dispute.created", dispute)
    if not inquiry:
        events.emit(store, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def is_open(dispute: Json) -> bool:
    """Whether the bank has not decided yet."""
    return dispute["status"] in _OPEN


def close_(store: Store, dispute: Json, won: bool) -> Json:
    """The dispute, decided. Winning one that had taken money brings it back."""
    if not is_open(dispute):
        raise InvalidRequest(f"Dispute {dispute['id']} is closed: its status is {dispute['status']}.")
    inquiry = dispute["status"].startswith("warning_")
    status = "warning_closed" if inquiry and won else "won" if won else "lost"
    if won and not inquiry:
        _move(store, dispute, dispute["amount"], -_FEE)
    elif inquiry and not won:
        _move(store, dispute, -dispute["amount"], _FEE)
    store.save(dispute, status=status, is_charge_refundable=False)
    events.emit(store, "charge.dispute.closed", dispute)
    if won and not inquiry:
        events.emit(store, "charge.dispute.funds_reinstated", dispute)
    elif inquiry and not won:
        events.emit(store, "charge.dispute.funds_withdrawn", dispute)
    return dispute


def _move(store: Store, dispute: Json, cents: int, fee: int) -> None:
    entry = balance.record(store, "adjustment", dispute["id"], cents, dispute["currency"], "Dispute", fee)
    store.save(dispute, balance_transactions=[*dispute["balance_transactions"], entry])


def retrieve(store: Store, given: Json, identifier: str) -> Json:
    """One dispute."""
    return store.get(identifier, "dispute")


def list_(store: Store, given: Json) -> Json:
    """Disputes, newest first."""
    filters = [Filter(f"$.{name}", given.get(name)) for name in ("charge", "payment_intent")]
    return listed(store, "/v1/disputes", "dispute", given, filters)


def update(store: Store, given: Json, identifier: str) -> Json:
    """The dispute with more evidence. As with Stripe, three texts decide a test: see below."""
    dispute = store.get(identifier, "dispute")
    if not is_open(dispute):
        raise InvalidRequest("This dispute is already closed", param="dispute")
    evidence = given.get("evidence", {})
    details = dict(dispute["evidence_details"])
    details["has_evidence"] = details["has_evidence"] or bool(evidence)
    changes: Json = {
        "evidence": dispute["evidence"] | evidence,
        "metadata": merged_metadata(dispute["metadata"], given.get("metadata")),
    }
    submitted = given.get("submit", True) and bool(evidence)
    if submitted:
        details |= {"submission_count": details["submission_count"] + 1, "submission_method": "manual"}
        changes["status"] = dispute["status"].replace("needs_response", "under_review")
    store.save(dispute, evidence_details=details, **changes)
    events.emit(store, "charge.dispute.updated", dispute)
    verdict = evidence.get("uncategorized_text")
    if submitted and verdict in ("winning_evidence", "losing_evidence"):
        close_(store, dispute, won=verdict == "winning_evidence")
    return dispute


def close(store: Store, given: Json, identifier: str) -> Json:
    """The dispute, given up."""
    return close_(store, store.get(identifier, "dispute"), won=False)
