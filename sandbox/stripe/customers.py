"""Customers: the people and organisations that payments belong to."""

from . import events, payment_methods
from .errors import InvalidRequest, Json
from .lists import Filter, listed
from .parameters import CREATED, EXPAND, PAGE, Rules, clearable, email, metadata, nested, text
from .parameters import merged as merged_metadata
from .store import Store

_ADDRESS = nested({name: text() for name in ("city", "country", "line1", "line2", "postal_code", "state")})
_FIELDS: Rules = EXPAND | {
    "address": clearable(_ADDRESS),
    "description": clearable(text(350)),
    "email": clearable(email()),
    "metadata": metadata(),
    "name": clearable(text(256)),
    "phone": clearable(text(20)),
}
CREATE: Rules = _FIELDS | {
    "invoice_settings": nested({"default_payment_method": clearable(text())}),
    "payment_method": text(),
}
UPDATE: Rules = _FIELDS | {"invoice_settings": nested({"default_payment_method": clearable(text())})}
RETRIEVE: Rules = EXPAND
DELETE: Rules = {}
LIST: Rules = PAGE | {"created": CREATED, "email": text()}


def create(store: Store, given: Json) -> Json:
    """A new customer."""
    customer = store.add(
        "cus",
        "customer",
        {
            "address": _address(given.get("address")),
            "balance": 0,
            "currency": None,
            "customer_account": None,
            "default_source": None,
            "delinquent": False,
            "description": given.get("description"),
            "discount": None,
            "email": given.get("email"),
            "invoice_prefix": f"{store.timestamp():08X}"[-8:],
            "invoice_settings": {
                "custom_fields": None,
                "default_payment_method": None,
                "footer": None,
                "rendering_options": None,
            },
            "metadata": merged_metadata({}, given.get("metadata")),
            "name": given.get("name"),
            "next_invoice_sequence": 1,
            "phone": given.get("phone"),
            "preferred_locales": [],
            "shipping": None,
            "tax_exempt": "none",
            "test_clock": None,
        },
    )
    events.emit(store, "customer.created", customer)
    if "payment_method" in given:
        payment_methods.attach(store, {"customer": customer["id"]}, given["payment_method"])
    if "invoice_settings" in given:
        _set_default(store, customer, given["invoice_settings"])
    return customer


def retrieve(store: Store, given: Json, identifier: str) -> Json:
    """One customer."""
    return store.get(identifier, "customer")


def update(store: Store, given: Json, identifier: str) -> Json:
    """The customer with the given fields changed; metadata is merged, not replaced."""
    customer = store.get(identifier, "customer", "customer")
    before = dict(customer)
    changes = {name: value for name, value in given.items() if name not in ("expand", "metadata", "invoice_settings")}
    if "address" in changes:
        changes["address"] = _address(changes["address"])
    if "metadata" in given:
        changes["metadata"] = merged_metadata(customer["metadata"], given["metadata"])
    store.save(customer, **changes)
    if "invoice_settings" in given:
        _set_default(store, customer, given["invoice_settings"])
    previous = {name: before[name] for name in customer if customer[name] != before[name]}
    if previous:
        events.emit(store, "customer.updated", customer, previous)
    return customer


def delete(store: Store, given: Json, identifier: str) -> Json:
    """Only the id remains; the customer's payment methods are nobody's any more."""
    customer = store.get(identifier, "customer", "customer")
    for method in payment_methods.of_customer(store, identifier):
        payment_methods.detach(store, {}, method["id"])
    events.emit(store, "customer.deleted", customer)
    return store.save({"id": identifier, "object": "customer", "deleted": True})


def list_(store: Store, given: Json) -> Json:
    """Customers, newest first, without deleted ones."""
    filters = [Filter("$.email", given.get("email"))]
    present = " AND json_extract(body, '$.deleted') IS NULL"
    return listed(store, "/v1/customers", "customer", given, filters, present)


def _address(given: Json | None) -> Json | None:
    return given and {name: given.get(name) for name in ("city", "country", "line1", "line2", "postal_code", "state")}


def _set_default(store: Store, customer: Json, settings: Json) -> None:
    chosen = settings.get("default_payment_method")
    if chosen is not None:
        method = store.get(chosen, "payment_method", "invoice_settings[default_payment_method]")
        if method["customer"] != customer["id"]:
            raise InvalidRequest(
                f"The customer does not have a payment method with the ID {chosen}. "
                "The payment method must be attached to the customer.",
                code="resource_missing",
                param="invoice_settings[default_payment_method]",
            )
    store.save(customer, invoice_settings=customer["invoice_settings"] | {"default_payment_method": chosen})
