"""The payment methods that the Stripe account offers beyond cards and Alipay."""

import logging

from billing.providers.types import ProviderError
from common.storage.fresh_cache import FreshCache

from .connection import address, client, secret_key, translated_errors

logger = logging.getLogger(__name__)

#: Seconds until the account's methods are read again, and until they are if that failed.
FRESH_SECONDS, RETRY_SECONDS = 600, 60
#: Seconds to wait for the answer: a page waits with us.
TIMEOUT = 5

_offered: FreshCache[tuple[str, str], frozenset[str]] = FreshCache(fresh_seconds=FRESH_SECONDS, max_size=4)


def offers(method: str) -> bool:
    """Whether the account offers this payment method now ("paypal"); False while that is unknown."""
    key = (address(), secret_key())
    known, is_stale = _offered.lookup(key)
    if known is None or is_stale:
        read_at, lifetime = _offered.now(), float(FRESH_SECONDS)
        try:
            known = _fetch()
        except ProviderError as error:
            logger.warning("the payment methods of the account are unknown: %s", error)
            known, lifetime = frozenset(), float(RETRY_SECONDS)
        _offered.put(key, known, read_at=read_at, lifetime=lifetime)
    return method in known


def _fetch() -> frozenset[str]:
    """The methods that are switched on for the account and whose capability is active. Raises ProviderError."""
    with translated_errors():
        page = client(timeout=TIMEOUT, retries=0).v1.payment_method_configurations.list({"limit": 100})
        own = [each.to_dict() for each in page.data if each.is_default and each.active and not each.application]
    return frozenset(
        name
        for configuration in own
        for name, method in configuration.items()
        if isinstance(method, dict) and method.get("available")
    )
