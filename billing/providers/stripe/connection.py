"""Stripe's API client, and translation of its errors to ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import stripe
from django.conf import settings

from billing.providers.types import CredentialsRejected, NotFound, RequestRejected, Unavailable
from common.storage import database

#: Seconds to wait for a response.
TIMEOUT = 20
#: How often the SDK retries a failed request, always with the same idempotency key.
RETRIES = 2


def is_configured() -> bool:
    """Always True: without an API key, payments go to the sandbox."""
    return True


def is_live() -> bool:
    """Whether payments move real money."""
    return not settings.STRIPE_IS_SANDBOX and "_live_" in settings.STRIPE_SECRET_KEY


def secret_key() -> str:
    """The API key in use."""
    return settings.SANDBOX_STRIPE_KEY if settings.STRIPE_IS_SANDBOX else settings.STRIPE_SECRET_KEY


def address() -> str:
    """The address of the API."""
    return str(settings.STRIPE_API_BASE)


def client(*, timeout: int = TIMEOUT, retries: int = RETRIES) -> stripe.StripeClient:
    """The API client, shared while the settings stay the same."""
    return _client_for(secret_key(), address(), timeout, retries)


@lru_cache(maxsize=8)
def _client_for(key: str, base: str, timeout: int, retries: int) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": base},
        # Unlike the module-level API, a StripeClient retries only when told to.
        max_network_retries=retries,
        http_client=stripe.RequestsClient(timeout=timeout),
    )


@contextmanager
def translated_errors() -> Iterator[None]:
    """Raise the SDK's errors as ProviderError; for 4xx responses the message is Stripe's.

    While Stripe is asked, no connection to the database is kept.
    """
    database.release()
    try:
        yield
    except stripe.InvalidRequestError as error:
        translated = NotFound if error.code == "resource_missing" else RequestRejected
        raise translated(error.user_message or "The provider refused the request.") from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise CredentialsRejected(f"The provider does not accept STRIPE_SECRET_KEY: {error.user_message}") from error
    except stripe.StripeError as error:
        raise Unavailable(error.user_message or type(error).__name__) from error


def id_of(value: Any) -> str:
    """The id of an object that the API returns expanded, as an id, or as None (then empty)."""
    return value if isinstance(value, str) else (value.id if value is not None else "")


def metadata_of(value: Any, name: str) -> str:
    """A value from the object's metadata; empty if it is not set."""
    return str((value.metadata.to_dict() if value.metadata else {}).get(name, ""))
