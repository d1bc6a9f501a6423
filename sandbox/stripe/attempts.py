"""Attempts to take the money of a payment intent: with the bank's page on the way, and with what a decline leaves.

The API (`payments.py`) and the hosted page (`buyer.py`) both come through here.
"""

from . import charges, disputes, early_fraud_warnings, events, ids, payment_methods
from .cards import DECLINES, Decline
from .errors import CardDeclined, InvalidRequest, Json, documentation
from .parameters import merged as merged_metadata
from .store import Store, public

AUTHENTICATION_FAILED = (
    "The provided PaymentMethod has failed authentication. You can provide a new PaymentMethod to attempt to "
    "fulfill this PaymentIntent again."
)


def add(
    store: Store,
    given: Json,
    types: list[str],
    allowed: list[str] | None = None,
    redirects: bool = True,
    session: str | None = None,
) -> Json:
    """A new intent, without an event. `session` is the checkout session that it pays for."""
    intent = store.add(
        "pi",
        "payment_intent",
        {
            "allowed_payment_method_types": allowed,
            "amount": given["amount"],
            "amount_capturable": 0,
            "amount_details": {"tip": {}},
            "amount_received": 0,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": {"allow_redirects": "always" if redirects else "never", "enabled": True},
            "canceled_at": None,
            "cancellation_reason": None,
            "capture_method": given.get("capture_method", "automatic_async"),
            "client_secret": None,
            "confirmation_method": "automatic",
            "currency": given["currency"],
            "customer": given.get("customer"),
            "customer_account": None,
            "description": given.get("description"),
            "excluded_payment_method_types": None,
            "last_payment_error": None,
            "latest_charge": None,
            "metadata": merged_metadata({}, given.get("metadata")),
            "next_action": None,
            "on_behalf_of": None,
            "payment_method": given.get("payment_method"),
            "payment_method_configuration_details": None,
            "payment_method_options": {"card": {"request_three_d_secure": "automatic"}} if "card" in types else {},
            "payment_method_types": types,
            "processing": None,
            "receipt_email": given.get("receipt_email"),
            "review": None,
            "setup_future_usage": given.get("setup_future_usage"),
            "shipping": None,
            "source": None,
            "statement_descriptor": given.get("statement_descriptor"),
            "statement_descriptor_suffix": given.get("statement_descriptor_suffix"),
            "status": "requires_payment_method",
            "transfer_data": None,
            "transfer_group": None,
            "_session": session,
            "_return_url": None,
            "_allow_redisplay": None,
        },
    )
    return store.save(intent, client_secret=ids.client_secret(intent["id"]))


def confirm(store: Store, intent: Json, given: Json) -> Json:
    """One attempt with the intent's payment method: succeeded, processing or requires_action.

    Raises:
        CardDeclined: the attempt failed; the intent waits for another payment method.
    """
    if intent["payment_method"] is None:
        raise InvalidRequest(
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update the "
            "PaymentIntent with a payment method and then confirm it again, or confirm it again directly with a "
            "payment method.",
            code="payment_intent_unexpected_state",
            payment_intent=public(intent),
        )
    method = store.get(intent["payment_method"], "payment_method", "payment_method")
    off_session = given.get("off_session", False)
    store.save(intent, _return_url=given.get("return_url") or intent["_return_url"])
    if method["type"] != "card":
        if off_session:
            raise InvalidRequest(
                f"A PaymentMethod of type {method['type']} cannot be charged while its owner is away.",
                param="off_session",
            )
        return _redirect(store, intent, method)
    if _needs_authentication(method, off_session):
        if off_session or given.get("error_on_requires_action"):
            return decline(store, intent, method, DECLINES["authentication_required"])
        return _redirect(store, intent, method)
    return take(store, intent, method, authenticated=False)


def _needs_authentication(method: Json, off_session: bool) -> bool:
    card = payment_methods.card_of(method)
    if card is None or card.authentication == "never":
        return False
    return not (off_session and card.authentication == "until_set_up" and method["_set_up"])


def _redirect(store: Store, intent: Json, method: Json) -> Json:
    address = f"{store.address}/authorise/{intent['id']}"
    kind = "alipay_handle_redirect" if method["type"] == "alipay" else "redirect_to_url"
    details: Json = {"return_url": intent["_return_url"], "url": address}
    if kind == "alipay_handle_redirect":
        details |= {"native_data": None, "native_url": None}
    store.save(intent, status="requires_action", next_action={"type": kind, kind: details}, last_payment_error=None)
    events.emit(store, "payment_intent.requires_action", intent)
    return intent


def take(store: Store, intent: Json, method: Json, authenticated: bool) -> Json:
    """The intent after the bank was asked for the money. Raises CardDeclined when it says no."""
    card = payment_methods.card_of(method)
    if card is not None and card.decline:
        return decline(store, intent, method, DECLINES[card.decline], authenticated)
    return succeed(store, intent, method, authenticated)


def succeed(store: Store, intent: Json, method: Json, authenticated: bool = False) -> Json:
    """The intent, paid."""
    charge = charges.add(store, intent, method, "succeeded", authenticated=authenticated)
    return _paid(store, intent, method, charge)


def _paid(store: Store, intent: Json, method: Json, charge: Json) -> Json:
    keeps = intent["setup_future_usage"] and intent["customer"] and method["type"] == "card"
    if keeps:
        payment_methods.keep(
            store, method, intent["customer"], intent["setup_future_usage"] == "off_session", intent["_allow_redisplay"]
        )
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
        early_fraud_warnings.issue(store, charge)
    if card is not None and card.dispute:
        disputes.open_(store, charge, card.dispute, card.inquiry)
    return intent


def process(store: Store, intent: Json, method: Json) -> Json:
    """The intent, authorised but not settled: the bank answers later, see `settle`."""
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
    """The intent after its owner could not, or would not, prove who they are."""
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


def cancel(store: Store, intent: Json, reason: str | None) -> Json:
    """The intent, which has not succeeded and never will."""
    store.save(intent, status="canceled", canceled_at=store.timestamp(), cancellation_reason=reason, next_action=None)
    events.emit(store, "payment_intent.canceled", intent)
    return intent
