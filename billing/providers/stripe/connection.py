"""How Stripe is reached, and its errors in our own words."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import stripe
from django.conf import settings

from billing.providers.types import KeyRefused, NotThere, Refused, Unavailable

#: Seconds for one request; the SDK sends a request at most three times, always with the same key.
TIMEOUT = 20
RETRIES = 2


def is_configured() -> bool:
    """True: without a key of ours, the sandbox takes the payments."""
    return True


def is_live() -> bool:
    """Whether our key moves real money."""
    return not settings.STRIPE_IS_SANDBOX and "_live_" in settings.STRIPE_SECRET_KEY


def secret_key() -> str:
    return settings.SANDBOX_STRIPE_KEY if settings.STRIPE_IS_SANDBOX else settings.STRIPE_SECRET_KEY


def client() -> stripe.StripeClient:
    return _client_for(secret_key(), settings.STRIPE_API_BASE)


@lru_cache(maxsize=4)
def _client_for(key: str, address: str) -> stripe.StripeClient:
    return stripe.StripeClient(
        key,
        base_addresses={"api": address},
        # A client of one's own does not retry unless told to; the retries share the idempotency key.
        max_network_retries=RETRIES,
        http_client=stripe.RequestsClient(timeout=TIMEOUT),
    )


@contextmanager
def translated() -> Iterator[None]:
    """Raise the SDK's errors as ours; the messages of 4xx answers say what to mend."""
    try:
        yield
    except stripe.InvalidRequestError as error:
        refusal = NotThere if error.code == "resource_missing" else Refused
        raise refusal(error.user_message or "The provider refused the request.") from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        raise KeyRefused(f"The provider does not accept STRIPE_SECRET_KEY: {error.user_message}") from error
    except stripe.StripeError as error:
        raise Unavailable(error.user_message or type(error).__name__) from error


def identifier(thing: Any) -> str:
    """The id of a thing that the provider may have sent whole, as its id, or not at all."""
    return thing if isinstance(thing, str) else (thing.id if thing is not None else "")


def metadata_of(thing: Any, name: str) -> str:
    """A value of the object's metadata, empty when there is none."""
    return str((thing.metadata.to_dict() if thing.metadata else {}).get(name, ""))
