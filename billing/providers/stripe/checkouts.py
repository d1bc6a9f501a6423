"""Hosted payment pages, and the customers they belong to."""

from datetime import datetime

import stripe
from django.conf import settings
from stripe.params.checkout import SessionCreateParams

from billing.providers.types import Checkout, NotOpen

from .connection import client, translated


def create_customer(*, email: str, name: str, organisation: str, key: str) -> str:
    """The id of a new customer that stands for the organisation (its public id)."""
    with translated():
        customer = client().v1.customers.create(
            {"email": email, "name": name, "metadata": {"organisation": organisation}}, {"idempotency_key": key}
        )
    return customer.id


def open_checkout(
    *,
    purchase: str,
    customer: str,
    method: str,
    lines: list[tuple[str, int]],
    receipt_email: str,
    keeps_card: bool,
    success_url: str,
    cancel_url: str,
    expires_at: datetime,
    key: str,
) -> Checkout:
    """A page on which the buyer pays the `lines` (name, cents), by this method only. With `keeps_card` the page says
    that the card is kept, and it can be charged later while the buyer is away.

    `success_url` may contain {CHECKOUT_SESSION_ID}. The page closes at `expires_at`, which must be at least
    30 minutes ahead. NotThere when the customer is unknown. The same key returns the same page.
    """
    parameters: SessionCreateParams = {
        "mode": "payment",
        "ui_mode": "hosted_page",
        # One method per page: the fee was quoted for it.
        "allowed_payment_method_types": [method],
        # The buyer pays what was quoted, in dollars, even where the provider could convert.
        "adaptive_pricing": {"enabled": False},
        "branding_settings": {"display_name": settings.SITE_NAME},
        "customer": customer,
        "client_reference_id": purchase,
        "metadata": {"purchase": purchase},
        "payment_intent_data": {"metadata": {"purchase": purchase}, "receipt_email": receipt_email},
        "line_items": [
            {"quantity": 1, "price_data": {"currency": "usd", "unit_amount": cents, "product_data": {"name": name}}}
            for name, cents in lines
        ],
        "success_url": success_url,
        "cancel_url": cancel_url,
        "expires_at": int(expires_at.timestamp()),
    }
    if keeps_card:
        parameters["payment_method_options"] = {"card": {"setup_future_usage": "off_session"}}
    with translated():
        session = client().v1.checkout.sessions.create(parameters, {"idempotency_key": key})
    return Checkout(id=session.id, url=session.url or "")


def expire_checkout(session_id: str) -> None:
    """Close a checkout so that it can no longer be paid. NotOpen when it is closed already, or paid."""
    with translated():
        try:
            client().v1.checkout.sessions.expire(session_id)
        except stripe.InvalidRequestError as error:
            if error.code == "resource_missing":
                raise
            raise NotOpen(error.user_message) from error
