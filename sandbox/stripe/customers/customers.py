"""Customers: the people and organizations that payments belong to."""

from sandbox.stripe import events
from sandbox.stripe.calls.lists import Filter, listed
from sandbox.stripe.calls.parameters import EXPAND, PAGE, Rules, email, metadata, text
from sandbox.stripe.errors import Json
from sandbox.stripe.store import Store

from . import payment_methods

CREATE: Rules = EXPAND | {"email": email(), "metadata": metadata(), "name": text(256)}
UPDATE: Rules = EXPAND | {"email": email()}
LIST: Rules = PAGE | {"email": text()}

#: The kind of what is left of deleted customers: no list has it, and nothing can be done with it.
_DELETED = "deleted_customer"


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
    """One customer, or what is left of a deleted one."""
    return store.find(identifier, _DELETED) or store.get(identifier, "customer")


def update(store: Store, given: Json, identifier: str) -> Json:
    """The customer with another email address."""
    customer = store.get(identifier, "customer")
    events.emit(store, "customer.updated", store.save(customer, **given))
    return customer


def delete(store: Store, given: Json, identifier: str) -> Json:
    """Ends the customer and detaches their payment methods, for ever."""
    customer = store.get(identifier, "customer")
    for method in store.all("payment_method", "AND json_extract(body, '$.customer') = ?", [identifier]):
        payment_methods.detach(store, {}, method["id"])
    store.remove(identifier)
    events.emit(store, "customer.deleted", customer)
    return store.insert(_DELETED, {"id": identifier, "object": "customer", "deleted": True})


def list_(store: Store, given: Json) -> Json:
    """Customers, newest first."""
    return listed(store, "/v1/customers", "customer", given, [Filter("$.email", given.get("email"))])
