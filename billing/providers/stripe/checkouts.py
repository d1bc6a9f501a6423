"""Hosted payment pages, and the customers that pay on them."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import stripe
from django.conf import settings
from stripe.params.checkout import SessionCreateParams

from billing.providers.types import Checkout, CheckoutClosed, NotFound

from .connection import client, translated_errors


@dataclass(frozen=True)
class CheckoutRequest:
    """A payment page to create."""

    purchase_id: str
    customer_id: str
    method: str  # the only payment method on the page
    lines: list[tuple[str, int]]  # (name, cents)
    receipt_email: str
    save_card: bool  # save the card that pays; the page tells the buyer so
    success_url: str  # may contain {CHECKOUT_SESSION_ID}
    cancel_url: str
    expires_at: datetime  # at least 30 minutes ahead


def create_customer(*, email: str, name: str, organisation: str, key: str) -> str:
    """Create a customer for an organization (by its public id) and return the customer's id."""
    with translated_errors():
        customer = client().v1.customers.create(
            {"email": email, "name": name, "metadata": {"organisation": organisation}}, {"idempotency_key": key}
        )
    return customer.id


def change_address(customer_id: str, email: str) -> None:
    """Replace the customer's email address; an empty one removes it. Does nothing if it is deleted."""
    with suppress(NotFound), translated_errors():
        client().v1.customers.update(customer_id, {"email": email})


def delete_customer(customer_id: str) -> None:
    """Delete the customer with all saved cards. Does nothing if it is already deleted."""
    with suppress(NotFound), translated_errors():
        client().v1.customers.delete(customer_id)


def open_checkout(page: CheckoutRequest, *, key: str) -> Checkout:
    """Create the payment page. The same key returns the same page. NotFound if the customer does not exist."""
    parameters: SessionCreateParams = {
        "mode": "payment",
        "ui_mode": "hosted_page",
        # The fee was quoted for one method, so the buyer cannot switch to another.
        "allowed_payment_method_types": [page.method],
        # The buyer pays the quoted amount in dollars, even where the provider could convert.
        "adaptive_pricing": {"enabled": False},
        "branding_settings": {"display_name": settings.SITE_NAME},
        "customer": page.customer_id,
        "client_reference_id": page.purchase_id,
        "metadata": {"purchase": page.purchase_id},
        "payment_intent_data": {"metadata": {"purchase": page.purchase_id}, "receipt_email": page.receipt_email},
        "line_items": [
            {"quantity": 1, "price_data": {"currency": "usd", "unit_amount": cents, "product_data": {"name": name}}}
            for name, cents in page.lines
        ],
        "success_url": page.success_url,
        "cancel_url": page.cancel_url,
        "expires_at": int(page.expires_at.timestamp()),
    }
    if page.save_card:
        parameters["payment_method_options"] = {"card": {"setup_future_usage": "off_session"}}
    with translated_errors():
        session = client().v1.checkout.sessions.create(parameters, {"idempotency_key": key})
    return Checkout(id=session.id, url=session.url or "")


def expire_checkout(session_id: str) -> None:
    """Expire a payment page so that it takes no payment. CheckoutClosed if it is paid or already expired."""
    with translated_errors():
        try:
            client().v1.checkout.sessions.expire(session_id)
        except stripe.InvalidRequestError as error:
            if error.code == "resource_missing":
                raise
            raise CheckoutClosed(error.user_message) from error
