"""Early fraud warnings: a bank says that a payment was probably not its customer's."""

from . import events
from .errors import Json
from .lists import Filter, listed
from .parameters import CREATED, EXPAND, PAGE, Rules, text
from .store import Store

RETRIEVE: Rules = EXPAND
LIST: Rules = PAGE | {"charge": text(), "created": CREATED, "payment_intent": text()}


def issue(store: Store, charge: Json) -> Json:
    """A new warning about a paid charge."""
    warning = store.add(
        "issfr",
        "radar.early_fraud_warning",
        {
            "actionable": True,
            "charge": charge["id"],
            "fraud_type": "made_with_stolen_card",
            "payment_intent": charge["payment_intent"],
        },
    )
    events.emit(store, "radar.early_fraud_warning.created", warning)
    return warning


def retrieve(store: Store, given: Json, identifier: str) -> Json:
    """One warning."""
    return store.get(identifier, "radar.early_fraud_warning")


def list_(store: Store, given: Json) -> Json:
    """Warnings, newest first."""
    filters = [Filter(f"$.{name}", given.get(name)) for name in ("charge", "payment_intent")]
    return listed(store, "/v1/radar/early_fraud_warnings", "radar.early_fraud_warning", given, filters)
