"""Checkout sessions: a hosted page for one payment, or for keeping a card for later.

open -> complete (paid, or unpaid while the money is under way) | expired
What the buyer does on the page is in `buyer.py`.
"""

from sandbox.stripe import events
from sandbox.stripe.calls.lists import Filter, listed
from sandbox.stripe.calls.parameters import (
    EXPAND,
    PAGE,
    Rules,
    boolean,
    check_amount,
    choice,
    currency,
    email,
    integer,
    metadata,
    missing,
    nested,
    required,
    several,
    text,
    url,
)
from sandbox.stripe.customers import payment_methods, setup
from sandbox.stripe.errors import InvalidParameter, InvalidRequest, Json
from sandbox.stripe.store import Store

from . import attempts

_PRICE = nested(
    {
        "currency": required(currency()),
        "product_data": required(nested({"name": required(text())})),
        "unit_amount": required(integer(least=0)),
    }
)
CREATE: Rules = EXPAND | {
    "adaptive_pricing": nested({"enabled": boolean()}),
    "allowed_payment_method_types": required(several(choice(*payment_methods.TYPES))),
    "branding_settings": nested({"display_name": text()}),
    "cancel_url": url(),
    "client_reference_id": text(200),
    "currency": currency(),
    "customer": required(text()),
    "expires_at": integer(),
    "line_items": several(nested({"price_data": required(_PRICE), "quantity": required(integer(least=1))})),
    "metadata": metadata(),
    "mode": required(choice("payment", "setup")),
    "payment_intent_data": nested({"metadata": metadata(), "receipt_email": email()}),
    "payment_method_options": nested({"card": nested({"setup_future_usage": choice("off_session")})}),
    "success_url": required(url()),
    "ui_mode": choice("hosted_page"),
}
LIST: Rules = PAGE | {"customer": text()}

_SHORTEST, _LONGEST = 30 * 60, 24 * 3600  # seconds


def create(store: Store, given: Json) -> Json:
    """A new open session with the address of its page."""
    _check(store, given)
    is_payment = given["mode"] == "payment"
    items = [_item(item) for item in given.get("line_items", [])]
    total = sum(item["amount"] for item in items)
    if is_payment:
        check_amount(total, "line_items")
    customer = store.get(given["customer"], "customer", "customer")
    session = store.add("cs_test", "checkout.session", _fields(store, given, customer, total) | {"_items": items})
    store.save(session, url=f"{store.address}/c/pay/{session['id']}")
    store.set_timer(session["expires_at"], "expire_session", session["id"])
    if not is_payment:
        store.save(session, setup_intent=setup.add(store, customer["id"], session["id"])["id"])
    return session


def _item(item: Json) -> Json:
    """A line of the page: the name, and the total in cents."""
    price, quantity = item["price_data"], item["quantity"]
    name = price["product_data"]["name"]
    return {
        "name": name if quantity == 1 else f"{name} × {quantity}",
        "amount": price["unit_amount"] * quantity,
    }


def _fields(store: Store, given: Json, customer: Json, total: int) -> Json:
    is_payment = given["mode"] == "payment"
    types = given["allowed_payment_method_types"]
    card = {"request_three_d_secure": "automatic"} | given.get("payment_method_options", {}).get("card", {})
    nothing = (
        "after_expiration", "allow_promotion_codes", "billing_address_collection", "client_secret",
        "collected_information", "consent", "consent_collection", "currency_conversion", "customer_account",
        "customer_creation", "customer_email", "excluded_payment_method_types", "invoice", "invoice_creation", "locale",
        "optional_items", "origin_context", "payment_intent", "payment_link", "payment_method_configuration_details",
        "permissions", "recovered_from", "return_url", "saved_payment_method_options", "setup_intent",
        "shipping_address_collection", "shipping_cost", "submit_type", "subscription", "url", "wallet_options",
    )  # fmt: skip
    return {
        **dict.fromkeys(nothing),
        "adaptive_pricing": {"enabled": given.get("adaptive_pricing", {}).get("enabled", False)},
        "allowed_payment_method_types": types,
        "amount_subtotal": total if is_payment else None,
        "amount_total": total if is_payment else None,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "branding_settings": {
            "background_color": "#ffffff",
            "border_style": "rounded",
            "button_color": "#0074d4",
            "display_name": given.get("branding_settings", {}).get("display_name", "Sandbox"),
            "font_family": "default",
            "icon": None,
            "logo": None,
        },
        "cancel_url": given.get("cancel_url"),
        "client_reference_id": given.get("client_reference_id"),
        "currency": _currencies(given).pop(),
        "custom_fields": [],
        "custom_text": dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")),
        "customer": customer["id"],
        "customer_details": {
            **dict.fromkeys(("address", "business_name", "individual_name", "phone", "tax_ids")),
            "email": customer["email"],
            "name": customer["name"],
            "tax_exempt": "none",
        },
        "discounts": [] if is_payment else None,
        "expires_at": given.get("expires_at", store.timestamp() + _LONGEST),
        "metadata": given.get("metadata", {}),
        "mode": given["mode"],
        "payment_method_collection": "if_required" if is_payment else "always",
        "payment_method_options": {"card": card} if "card" in types else {},
        "payment_method_types": types,
        "payment_status": "unpaid" if is_payment else "no_payment_required",
        "phone_number_collection": {"enabled": False},
        "shipping_options": [],
        "status": "open",
        "success_url": given["success_url"],
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0} if is_payment else None,
        "ui_mode": "hosted_page",
        "_intent": given.get("payment_intent_data", {}),
    }


def _check(store: Store, given: Json) -> None:
    is_payment = given["mode"] == "payment"
    if is_payment and not given.get("line_items"):
        raise missing("line_items")
    if not _currencies(given):
        raise missing("currency")
    if len(_currencies(given)) > 1:
        raise InvalidParameter("All prices of a Checkout Session must have the same currency.", param="line_items")
    for name in () if is_payment else ("line_items", "payment_intent_data"):
        if name in given:
            raise InvalidParameter(f"You can not pass `{name}` in `{given['mode']}` mode.", param=name)
    if not is_payment and given["allowed_payment_method_types"] != ["card"]:
        raise InvalidParameter(
            "Only the payment method type `card` can be used in `setup` mode.", param="allowed_payment_method_types"
        )
    ahead = given.get("expires_at", store.timestamp() + _LONGEST) - store.timestamp()
    if not _SHORTEST <= ahead <= _LONGEST:
        raise InvalidParameter(
            "The `expires_at` timestamp must be at least 30 minutes and less than 24 hours from Checkout Session "
            "creation.",
            param="expires_at",
        )


def _currencies(given: Json) -> set[str]:
    prices = {item["price_data"]["currency"] for item in given.get("line_items", [])}
    return prices | ({given["currency"]} if "currency" in given else set())


def retrieve(store: Store, given: Json, identifier: str) -> Json:
    """One session."""
    return store.get(identifier, "checkout.session")


def list_(store: Store, given: Json) -> Json:
    """Sessions, newest first."""
    return listed(
        store, "/v1/checkout/sessions", "checkout.session", given, [Filter("$.customer", given.get("customer"))]
    )


def expire(store: Store, given: Json, identifier: str) -> Json:
    """The session, closed by its shop."""
    session = store.get(identifier, "checkout.session")
    if session["status"] != "open":
        raise InvalidRequest(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of {session['status']}."
        )
    return close(store, session)


def close(store: Store, session: Json) -> Json:
    """Close an open session; a payment that was begun on it is canceled."""
    store.save(session, status="expired", url=None)
    if session["payment_intent"]:
        attempts.cancel(store, store.get(session["payment_intent"], "payment_intent"))
    if session["setup_intent"]:
        setup.cancel(store, store.get(session["setup_intent"], "setup_intent"))
    events.emit(store, "checkout.session.expired", session)
    return session
