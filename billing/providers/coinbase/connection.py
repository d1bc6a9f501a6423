"""HTTP requests to Coinbase Business, with its errors translated to ours."""

import time
from functools import lru_cache
from typing import Any

import httpx
from django.conf import settings

from billing.providers.types import CredentialsRejected, NotFound, ProviderError, RequestRejected, Unavailable
from common.storage import database

from .tokens import bearer_token

__all__ = ["Json", "is_configured", "is_live", "request"]

Json = dict[str, Any]

#: Seconds to wait for a response.
TIMEOUT = 20
#: How often a failed request is retried, always with the same idempotency key.
RETRIES = 2
#: Seconds to wait before the first retry; each further retry waits that much longer.
RETRY_DELAY = 0.3


def is_configured() -> bool:
    """Whether USDC purchases are possible: an API key is set, or the sandbox is used."""
    return settings.COINBASE_IS_SANDBOX or bool(settings.COINBASE_API_KEY_ID and settings.COINBASE_API_KEY_SECRET)


def is_live() -> bool:
    """Whether payments move real money."""
    return not settings.COINBASE_IS_SANDBOX and not settings.COINBASE_TEST_MODE


def request(method: str, path: str = "", *, body: Json | None = None, query: Json | None = None, key: str = "") -> Json:
    """The response to one request below /checkouts. A request with a `key` (a version 4 UUID) is carried out once.

    Raises ProviderError. While the provider is asked, no connection to the database is kept.
    """
    if not is_configured():
        raise CredentialsRejected("Purchases in USDC need COINBASE_API_KEY_ID and COINBASE_API_KEY_SECRET.")
    database.release()
    failure: ProviderError = Unavailable("not sent")
    for attempt in range(1 + RETRIES):
        time.sleep(RETRY_DELAY * attempt)
        try:
            response = _send(method, f"{settings.COINBASE_API_BASE}/checkouts{path}", body, query, key)
        except httpx.HTTPError as error:
            failure = Unavailable(f"{type(error).__name__}: {error}")
            continue
        if response.status_code < 500 and response.status_code != httpx.codes.TOO_MANY_REQUESTS:
            return _parse(response)
        failure = Unavailable(f"status {response.status_code}")
    raise failure


def _send(method: str, url: str, body: Json | None, query: Json | None, key: str) -> httpx.Response:
    target = httpx.URL(url)
    token = bearer_token(*_credentials(), method, f"{target.netloc.decode()}{target.path}")
    headers = {"Authorization": f"Bearer {token}"} | ({"X-Idempotency-Key": key} if key else {})
    return _client(settings.COINBASE_IS_SANDBOX).request(method, target, json=body, params=query, headers=headers)


def _credentials() -> tuple[str, str]:
    if settings.COINBASE_IS_SANDBOX:
        return settings.SANDBOX_COINBASE_KEY_ID, settings.SANDBOX_COINBASE_KEY_SECRET
    return settings.COINBASE_API_KEY_ID, settings.COINBASE_API_KEY_SECRET


@lru_cache(maxsize=2)
def _client(is_local: bool) -> httpx.Client:
    # Shared by all threads, to reuse connections. The sandbox is local, so it must not be reached through a proxy.
    return httpx.Client(timeout=TIMEOUT, trust_env=not is_local)


def _parse(response: httpx.Response) -> Json:
    try:
        content = response.json()
    except ValueError:
        content = None
    if response.is_success:
        if isinstance(content, dict):
            return content
        raise Unavailable("The response is not a JSON object.")
    message = str(content.get("errorMessage") or "") if isinstance(content, dict) else ""
    message = message or f"status {response.status_code}"
    if response.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise CredentialsRejected(f"The provider does not accept COINBASE_API_KEY_ID: {message}")
    if response.status_code == httpx.codes.NOT_FOUND:
        raise NotFound(message)
    raise RequestRejected(message)
