"""Attempts to take the money of a payment intent, with the bank's page on the way.

The API (`payments.py`) and the hosted page (`buyer.py`) both come through here.
"""

from sandbox.stripe import events, ids
from sandbox.stripe.customers import payment_methods
from sandbox.stripe.customers.cards import DECLINES, Decline
from sandbox.stripe.errors import CardDeclined, Json, documentation
from sandbox.stripe.store import Store, public

from . import charges, disputes

AUTHENTICATION_FAILED = (
    "The provided PaymentMethod has failed authentication. You can provide a new PaymentMethod to attempt to "
    "fulfill this PaymentIntent again."
)


def add(store: Store, given: Json, types: list[str], session: str | None = None) -> Json:
    """A new intent, without an event. `session` is the checkout session that it pays for."""
    intent = store.add(
        "pi",
        "payment_intent",
        {
            "allowed_payment_method_types": types,
            "amount": given["amount"],
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": "automatic_async",
            "client_secret": None,
            "confirmation_method": "automatic",
            "currency": given["currency"],
            "customer": given["customer"],
            "customer_account": None,
            "description": given.get("description"),
            "excluded_payment_method_types": None,
            "last_payment_error": None,
            "latest_charge": None,
            "metadata": given.get("metadata", {}),
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": None,
            "payment_method_configuration_details": None,
            "payment_method_options": {"card": {"request_three_d_secure": "automatic"}} if "card" in types else {},
            "payment_method_types": types,
            "processing": None,
            "receipt_email": given.get("receipt_email"),
            "review": None,
            "setup_future_usage": given.get("setup_future_usage"),
            "shipping": None,
            "source": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": "requires_payment_method",
            "transfer_data": None,
            "transfer_group": None,
            "_session": session,
        },
    )
    return store.save(intent, client_secret=ids.client_secret(intent["id"]))


def confirm(store: Store, intent: Json, *, off_session: bool) -> Json:
    """One attempt with the intent's payment method: succeeded, or requires_action when its owner is there.

    Raises:
        CardDeclined: the attempt failed; the intent waits for another payment method.
    """
    method = store.get(intent["payment_method"], "payment_method", "payment_method")
    card = payment_methods.card_of(method)
    if card is None:
        return _redirect(store, intent, method)
    saved = off_session and card.authentication == "until_set_up" and method["_set_up"]
    if card.authentication == "never" or saved:
        return take(store, intent, method, authenticated=False)
    if off_session:
        return decline(store, intent, method, DECLINES["authentication_required"])
    return _redirect(store, intent, method)


def _redirect(store: Store, intent: Json, method: Json) -> Json:
    kind = "alipay_handle_redirect" if method["type"] == "alipay" else "redirect_to_url"
    details: Json = {"return_url": None, "url": f"{store.address}/authorize/{intent['id']}"}
    if kind == "alipay_handle_redirect":
        details |= {"native_data": None, "native_url": None}
    store.save(intent, status="requires_action", next_action={"type": kind, kind: details}, last_payment_error=None)
    events.emit(store, "payment_intent.requires_action", intent)
    return intent


def take(store: Store, intent: Json, method: Json, authenticated: bool) -> Json:
    """The intent after a charge at the bank. Raises CardDeclined when the bank refuses."""
    card = payment_methods.card_of(method)
    if card is not None and card.decline:
        return decline(store, intent, method, DECLINES[card.decline], authenticated)
    return succeed(store, intent, method, authenticated)


def succeed(store: Store, intent: Json, method: Json, authenticated: bool = False) -> Json:
    """The intent, paid."""
    charge = charges.add(store, intent, method, "succeeded", authenticated=authenticated)
    return _paid(store, intent, method, charge)


def _paid(store: Store, intent: Json, method: Json, charge: Json) -> Json:
    if intent["setup_future_usage"] and method["type"] == "card":
        payment_methods.keep(store, method, intent["customer"])
    elif method["customer"] is None:
        store.save(method, _spent=True)
    store.save(
        intent,
        amount_received=intent["amount"],
        last_payment_error=None,
        latest_charge=charge["id"],
        next_action=None,
        payment_method=method["id"],
        processing=None,
        status="succeeded",
    )
    events.emit(store, "payment_intent.succeeded", intent)
    card = payment_methods.card_of(method)
    if card is not None and card.fraud_warning:
        disputes.warn(store, charge)
    if card is not None and card.dispute:
        disputes.open_(store, charge, "fraudulent")
    return intent


def process(store: Store, intent: Json, method: Json) -> Json:
    """The intent, authorized but not settled: the bank answers later, see `settle`."""
    charge = charges.add(store, intent, method, "pending")
    store.save(intent, latest_charge=charge["id"], next_action=None, status="processing")
    events.emit(store, "payment_intent.processing", intent)
    return intent


def settle(store: Store, intent: Json, succeeded: bool) -> Json:
    """The intent after the late answer: succeeded, or waiting for another payment method."""
    method = store.get(intent["payment_method"], "payment_method")
    charge = store.get(intent["latest_charge"], "charge")
    if succeeded:
        charges.succeed(store, charge)
        return _paid(store, intent, method, charge)
    why = Decline("payment_intent_payment_attempt_failed", "generic_decline", "The payment failed.")
    charges.fail(store, charge, why)
    fields = {"code": why.code, "message": why.message, "payment_method": public(method)}
    return fail(store, intent, fields, charge["id"])


def decline(store: Store, intent: Json, method: Json, why: Decline, authenticated: bool = False) -> Json:
    """Record the failed attempt. Always raises CardDeclined with the intent inside."""
    charge = charges.add(store, intent, method, "failed", why, authenticated)
    fields = {
        "advice_code": why.advice,
        "charge": charge["id"],
        "code": why.code,
        "decline_code": why.decline_code,
        "message": why.message,
        "network_decline_code": why.network_code,
        "payment_method": public(method),
    }
    if why.code in ("expired_card", "incorrect_cvc"):
        fields["param"] = {"expired_card": "exp_month", "incorrect_cvc": "cvc"}[why.code]
    fail(store, intent, fields, charge["id"])
    raise CardDeclined(kept=True, payment_intent=public(intent), **fields)


def fail(store: Store, intent: Json, fields: Json, charge: str | None = None) -> Json:
    """The intent after a failed attempt, waiting for another payment method."""
    last = {name: value for name, value in fields.items() if value is not None}
    last |= {"doc_url": documentation(fields["code"]), "type": fields.get("type", "card_error")}
    store.save(
        intent,
        last_payment_error=dict(sorted(last.items())),
        latest_charge=charge or intent["latest_charge"],
        next_action=None,
        payment_method=None,
        processing=None,
        status="requires_payment_method",
    )
    events.emit(store, "payment_intent.payment_failed", intent)
    return intent


def fail_authentication(store: Store, intent: Json) -> Json:
    """The intent after its owner has failed, or refused, to authenticate."""
    method = store.get(intent["payment_method"], "payment_method")
    code = "payment_intent_authentication_failure" if method["type"] == "card" else "payment_method_customer_decline"
    message = (
        AUTHENTICATION_FAILED
        if method["type"] == "card"
        else "The customer declined the payment on the provider's page."
    )
    return fail(
        store,
        intent,
        {
            "code": code,
            "message": message,
            "payment_method": public(method),
            "type": "invalid_request_error" if method["type"] == "card" else "card_error",
        },
    )


def cancel(store: Store, intent: Json) -> Json:
    """The intent, closed with its session."""
    store.save(
        intent, status="canceled", canceled_at=store.timestamp(), cancellation_reason="expired", next_action=None
    )
    events.emit(store, "payment_intent.canceled", intent)
    return intent
