"""Customers: the people and organizations that payments belong to."""

from . import events
from .errors import Json
from .lists import Filter, listed
from .parameters import EXPAND, PAGE, Rules, email, metadata, text
from .store import Store

CREATE: Rules = EXPAND | {"email": email(), "metadata": metadata(), "name": text(256)}
LIST: Rules = PAGE | {"email": text()}


def create(store: Store, given: Json) -> Json:
    """A new customer."""
    customer = store.add(
        "cus",
        "customer",
        {
            "address": None,
            "balance": 0,
            "currency": None,
            "customer_account": None,
            "default_source": None,
            "delinquent": False,
            "description": None,
            "discount": None,
            "email": given.get("email"),
            "invoice_prefix": f"{store.timestamp():08X}"[-8:],
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "metadata": given.get("metadata", {}),
            "name": given.get("name"),
            "next_invoice_sequence": 1,
            "phone": None,
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
        },
    )
    events.emit(store, "customer.created", customer)
    return customer


def retrieve(store: Store, given: Json, identifier: str) -> Json:
    """One customer."""
    return store.get(identifier, "customer")


def list_(store: Store, given: Json) -> Json:
    """Customers, newest first."""
    return listed(store, "/v1/customers", "customer", given, [Filter("$.email", given.get("email"))])
