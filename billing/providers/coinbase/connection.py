"""How Coinbase Business is reached, and its refusals in our own words."""

import logging
import time
from functools import lru_cache
from typing import Any

import httpx
from django.conf import settings

from billing.providers.types import KeyRefused, NotThere, ProviderError, Refused, Unavailable

from .tokens import bearer

__all__ = ["Json", "ask", "is_configured", "is_live"]

logger = logging.getLogger(__name__)

Json = dict[str, Any]

#: Seconds for one request, how often it is sent again, always with the same key, and the pause before that.
TIMEOUT = 20
RETRIES = 2
PAUSE = 0.3


def is_configured() -> bool:
    """Whether purchases in USDC can be taken: with a key of ours, or by the sandbox."""
    return settings.COINBASE_IS_SANDBOX or bool(settings.COINBASE_API_KEY_ID and settings.COINBASE_API_KEY_SECRET)


def is_live() -> bool:
    """Whether what is paid is real money."""
    return not settings.COINBASE_IS_SANDBOX and not settings.COINBASE_TEST_MODE


def ask(method: str, path: str = "", *, body: Json | None = None, query: Json | None = None, key: str = "") -> Json:
    """The answer to one request below /checkouts. A request with a `key` (a version 4 UUID) is carried out once."""
    if not is_configured():
        raise KeyRefused("Purchases in USDC need COINBASE_API_KEY_ID and COINBASE_API_KEY_SECRET.")
    failure: ProviderError = Unavailable("not asked")
    for attempt in range(1 + RETRIES):
        time.sleep(PAUSE * attempt)
        try:
            answer = _send(method, f"{settings.COINBASE_API_BASE}/checkouts{path}", body, query, key)
        except httpx.HTTPError as error:
            failure = Unavailable(f"{type(error).__name__}: {error}")
            continue
        if answer.status_code < 500 and answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
            return _read(answer)
        failure = Unavailable(f"status {answer.status_code}")
    raise failure


def _send(method: str, url: str, body: Json | None, query: Json | None, key: str) -> httpx.Response:
    target = httpx.URL(url)
    token = bearer(*_key(), method, f"{target.netloc.decode()}{target.path}")
    headers = {"Authorization": f"Bearer {token}"} | ({"X-Idempotency-Key": key} if key else {})
    return _client(settings.COINBASE_IS_SANDBOX).request(method, target, json=body, params=query, headers=headers)


def _key() -> tuple[str, str]:
    if settings.COINBASE_IS_SANDBOX:
        return settings.SANDBOX_COINBASE_KEY_ID, settings.SANDBOX_COINBASE_KEY_SECRET
    return settings.COINBASE_API_KEY_ID, settings.COINBASE_API_KEY_SECRET


@lru_cache(maxsize=2)
def _client(is_here: bool) -> httpx.Client:
    # One for all threads, so that not every question costs a new handshake. A proxy leads out, never to the sandbox.
    return httpx.Client(timeout=TIMEOUT, trust_env=not is_here)


def _read(answer: httpx.Response) -> Json:
    try:
        told = answer.json()
    except ValueError:
        told = None
    if answer.is_success:
        if isinstance(told, dict):
            return told
        raise Unavailable("The answer is not a JSON object.")
    message = str(told.get("errorMessage") or "") if isinstance(told, dict) else ""
    message = message or f"status {answer.status_code}"
    if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        raise KeyRefused(f"The provider does not accept COINBASE_API_KEY_ID: {message}")
    if answer.status_code == httpx.codes.NOT_FOUND:
        raise NotThere(message)
    raise Refused(message)
