"""Checkout sessions: a hosted page on which somebody pays, or keeps a card for later.

open -> complete (paid, or unpaid while the money is under way) | expired
What the buyer does on the page is in `buyer.py`.
"""

from . import attempts, events, line_items, payment_methods, setup
from .errors import InvalidParameter, InvalidRequest, Json
from .lists import Filter, listed
from .parameters import (
    CREATED,
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
    nested,
    required,
    several,
    text,
    url,
)
from .parameters import merged as merged_metadata
from .parameters import missing as missing_parameter
from .store import Store

_FUTURE_USE = choice("off_session", "on_session")
_REDISPLAY = choice("always", "limited", "unspecified")
_PRODUCT = nested(
    {"description": text(), "images": several(url(), most=8), "metadata": metadata(), "name": required(text())}
)
_PRICE = nested(
    {
        "currency": required(currency()),
        "product_data": required(_PRODUCT),
        "tax_behavior": choice("exclusive", "inclusive", "unspecified"),
        "unit_amount": required(integer(least=0)),
    }
)
CREATE: Rules = EXPAND | {
    "adaptive_pricing": nested({"enabled": boolean()}),
    "allowed_payment_method_types": several(choice(*payment_methods.TYPES)),
    "branding_settings": nested({"display_name": text()}),
    "cancel_url": url(),
    "client_reference_id": text(200),
    "currency": currency(),
    "custom_text": nested(
        {"after_submit": nested({"message": required(text(1200))}), "submit": nested({"message": required(text(1200))})}
    ),
    "customer": text(),
    "customer_creation": choice("always", "if_required"),
    "customer_email": email(),
    "expires_at": integer(),
    "line_items": several(nested({"price_data": required(_PRICE), "quantity": required(integer(least=1))})),
    "locale": choice("auto", "en", "en-GB"),
    "metadata": metadata(),
    "mode": required(choice("payment", "setup")),
    "payment_intent_data": nested(
        {
            "description": text(1000),
            "metadata": metadata(),
            "receipt_email": email(),
            "setup_future_usage": choice("off_session", "on_session"),
            "statement_descriptor": text(22),
            "statement_descriptor_suffix": text(22),
        }
    ),
    "payment_method_options": nested(
        {
            "alipay": nested({"setup_future_usage": choice("none")}),
            "card": nested(
                {"request_three_d_secure": choice("any", "automatic", "challenge"), "setup_future_usage": _FUTURE_USE}
            ),
            "crypto": nested({"setup_future_usage": choice("none")}),
        }
    ),
    "saved_payment_method_options": nested(
        {"allow_redisplay_filters": several(_REDISPLAY), "payment_method_save": choice("disabled", "enabled")}
    ),
    "setup_intent_data": nested({"description": text(1000), "metadata": metadata()}),
    "submit_type": choice("auto", "book", "donate", "pay"),
    "success_url": url(),
    "ui_mode": choice("hosted_page"),
}
UPDATE: Rules = EXPAND | {"metadata": metadata()}
EXPIRE: Rules = EXPAND
RETRIEVE: Rules = EXPAND
LIST: Rules = PAGE | {
    "created": CREATED,
    "customer": text(),
    "customer_details": nested({"email": required(text())}),
    "payment_intent": text(),
    "status": choice("complete", "expired", "open"),
}

_SHORTEST, _LONGEST = 30 * 60, 24 * 3600  # seconds


def create(store: Store, given: Json) -> Json:
    """A new open session with the address of its page."""
    _check(store, given)
    is_payment = given["mode"] == "payment"
    items = [line_items.new(store, item) for item in given.get("line_items", [])]
    total = sum(item["amount_total"] for item in items)
    if is_payment:
        check_amount(total, "line_items")
    allowed = given.get("allowed_payment_method_types")
    types = allowed or (list(payment_methods.TYPES) if is_payment else ["card"])
    owner = store.get(given["customer"], "customer", "customer") if "customer" in given else None
    session = store.add(
        "cs_test",
        "checkout.session",
        {
            "adaptive_pricing": {"enabled": given.get("adaptive_pricing", {}).get("enabled", False)},
            "after_expiration": None,
            "allow_promotion_codes": None,
            "allowed_payment_method_types": allowed,
            "amount_subtotal": total if is_payment else None,
            "amount_total": total if is_payment else None,
            "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
            "billing_address_collection": None,
            "branding_settings": _branding(given),
            "cancel_url": given.get("cancel_url"),
            "client_reference_id": given.get("client_reference_id"),
            "client_secret": None,
            "collected_information": None,
            "consent": None,
            "consent_collection": None,
            "currency": items[0]["currency"] if items else given.get("currency"),
            "currency_conversion": None,
            "custom_fields": [],
            "custom_text": {
                "after_submit": given.get("custom_text", {}).get("after_submit"),
                "shipping_address": None,
                "submit": given.get("custom_text", {}).get("submit"),
                "terms_of_service_acceptance": None,
            },
            "customer": given.get("customer"),
            "customer_account": None,
            "customer_creation": None if owner else given.get("customer_creation", "if_required"),
            "customer_details": details(owner["email"], owner["name"]) if owner else None,
            "customer_email": given.get("customer_email"),
            "discounts": [] if is_payment else None,
            "excluded_payment_method_types": None,
            "expires_at": given.get("expires_at", store.timestamp() + _LONGEST),
            "invoice": None,
            "invoice_creation": None,
            "locale": given.get("locale"),
            "metadata": merged_metadata({}, given.get("metadata")),
            "mode": given["mode"],
            "optional_items": None,
            "origin_context": None,
            "payment_intent": None,
            "payment_link": None,
            "payment_method_collection": "always" if not is_payment else "if_required",
            "payment_method_configuration_details": None,
            "payment_method_options": _method_options(given, types),
            "payment_method_types": types,
            "payment_status": "unpaid" if is_payment else "no_payment_required",
            "permissions": None,
            "phone_number_collection": {"enabled": False},
            "recovered_from": None,
            "return_url": None,
            "saved_payment_method_options": _saved_options(given) if owner else None,
            "setup_intent": None,
            "shipping_address_collection": None,
            "shipping_cost": None,
            "shipping_options": [],
            "status": "open",
            "submit_type": given.get("submit_type"),
            "subscription": None,
            "success_url": given["success_url"],
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0} if is_payment else None,
            "ui_mode": "hosted_page",
            "url": None,
            "wallet_options": None,
            "_line_items": items,
            "_intent": given.get("payment_intent_data" if is_payment else "setup_intent_data", {}),
        },
    )
    store.save(session, url=f"{store.address}/c/pay/{session['id']}")
    store.set_timer(session["expires_at"], "expire_session", session["id"])
    if not is_payment:
        intent = setup.add(store, session["_intent"] | {"customer": session["customer"]}, session["id"])
        store.save(session, setup_intent=intent["id"])
    return session


def _check(store: Store, given: Json) -> None:
    is_payment = given["mode"] == "payment"
    if "success_url" not in given:
        raise missing_parameter("success_url")
    if is_payment and not given.get("line_items"):
        raise missing_parameter("line_items")
    foreign = ("setup_intent_data",) if is_payment else ("line_items", "payment_intent_data", "submit_type")
    for name in foreign:
        if name in given:
            raise InvalidParameter(f"You can not pass `{name}` in `{given['mode']}` mode.", param=name)
    if not is_payment:
        if "currency" not in given and "allowed_payment_method_types" not in given:
            raise missing_parameter("currency")
        if given.get("allowed_payment_method_types", ["card"]) != ["card"]:
            raise InvalidParameter(
                "Only the payment method type `card` can be used in `setup` mode.", param="allowed_payment_method_types"
            )
    if "customer" in given and ("customer_email" in given or "customer_creation" in given):
        raise InvalidParameter(
            "You may only specify one of these parameters: customer, customer_email or customer_creation.",
            param="customer",
        )
    currencies = {item["price_data"]["currency"] for item in given.get("line_items", [])}
    if len(currencies | ({given["currency"]} if "currency" in given and currencies else set())) > 1:
        raise InvalidParameter("All prices of a Checkout Session must have the same currency.", param="line_items")
    if "expires_at" in given:
        ahead = given["expires_at"] - store.timestamp()
        if ahead < _SHORTEST:
            raise InvalidParameter(
                "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
                param="expires_at",
            )
        if ahead > _LONGEST:
            raise InvalidParameter(
                "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
                param="expires_at",
            )


def _branding(given: Json) -> Json:
    return {
        "background_color": "#ffffff",
        "border_style": "rounded",
        "button_color": "#0074d4",
        "display_name": given.get("branding_settings", {}).get("display_name", "Sandbox"),
        "font_family": "default",
        "icon": None,
        "logo": None,
    }


def _method_options(given: Json, types: list[str]) -> Json:
    chosen = given.get("payment_method_options", {})
    options = {name: chosen[name] for name in ("alipay",) if chosen.get(name)}
    if "card" in types:
        options["card"] = {"request_three_d_secure": "automatic"} | chosen.get("card", {})
    return options


def _saved_options(given: Json) -> Json:
    options = given.get("saved_payment_method_options", {})
    return {
        "allow_redisplay_filters": options.get("allow_redisplay_filters", ["always"]),
        "payment_method_remove": "disabled",
        "payment_method_save": options.get("payment_method_save"),
    }


def details(email: str | None, name: str | None) -> Json:
    """What a session knows about its buyer."""
    return {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": name,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": None,
    }


def retrieve(store: Store, given: Json, identifier: str) -> Json:
    """One session."""
    return store.get(identifier, "checkout.session")


def list_(store: Store, given: Json) -> Json:
    """Sessions, newest first."""
    filters = [Filter(f"$.{name}", given.get(name)) for name in ("customer", "payment_intent", "status")]
    filters.append(Filter("$.customer_details.email", given.get("customer_details", {}).get("email")))
    return listed(store, "/v1/checkout/sessions", "checkout.session", given, filters)


def update(store: Store, given: Json, identifier: str) -> Json:
    """The session with its metadata merged."""
    session = store.get(identifier, "checkout.session")
    return store.save(session, metadata=merged_metadata(session["metadata"], given.get("metadata")))


def expire(store: Store, given: Json, identifier: str) -> Json:
    """The session, closed before anybody paid."""
    session = store.get(identifier, "checkout.session")
    if session["status"] != "open":
        raise InvalidRequest(
            'Only Checkout Sessions with a status in ["open"] can be expired. '
            f"This Checkout Session has a status of {session['status']}."
        )
    return close(store, session)


def close(store: Store, session: Json) -> Json:
    """Close an open session; a payment that was begun on it is cancelled."""
    store.save(session, status="expired", url=None)
    if session["payment_intent"]:
        attempts.cancel(store, store.get(session["payment_intent"], "payment_intent"), "expired")
    if session["setup_intent"]:
        setup.cancel(store, store.get(session["setup_intent"], "setup_intent"))
    events.emit(store, "checkout.session.expired", session)
    return session
