"""May a key be used now, from here, for this model, and how much of its spend limit is left? Pure functions.

Authentication, routing, admission and pages all ask here, each with its own row type (`KeyColumns`). Requests and
tokens per minute need a count: `rates.py`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Protocol

from django.conf import settings

from common.errors import NotAuthenticated, PermissionDenied, RateLimited
from common.limits import spend_limits
from common.limits.spend_limits import LimitColumns
from common.money import PicoUsd
from common.web.client_address import Network, parse_address

from .restrictions import Restrictions

__all__ = [
    "KeyColumns",
    "KeyStatus",
    "is_within",
    "limit_columns",
    "model_refusal",
    "remaining",
    "require_address",
    "require_current",
    "require_place",
    "require_usable",
    "start_window",
]


class KeyColumns(LimitColumns, Protocol):
    """The columns of a key that decide. Money in pico-USD."""

    disabled: bool
    expires_at: datetime | None
    deleted_at: datetime | None
    include_byok_in_limit: bool  # whether list prices on own provider keys count toward the limit
    byok_usage: int
    window_byok_usage: int


@dataclass(slots=True)
class _Counted:
    """The columns of a key's limit, with the usage that counts toward it."""

    limit: int | None
    limit_reset: str
    usage: int
    window_usage: int
    window_started_at: datetime | None


def limit_columns(key: KeyColumns) -> LimitColumns:
    """Return the key's limit and what counts toward it: list prices on own provider keys too, if they are to."""
    if not key.include_byok_in_limit:
        return key
    return _Counted(
        key.limit,
        key.limit_reset,
        key.usage + key.byok_usage,
        key.window_usage + key.window_byok_usage,
        key.window_started_at,
    )


def remaining(key: KeyColumns, now: datetime, *, held: int = 0) -> PicoUsd | None:
    """Return what the key's limit leaves (pico-USD) while running requests hold `held`; None without a limit."""
    return spend_limits.remaining(limit_columns(key), now, held=held)


def start_window(key: KeyColumns, now: datetime) -> None:
    """Reset the key's window usage if a new window has begun. Changes it in memory only."""
    before = key.window_started_at
    spend_limits.start_window(key, now)
    if key.window_started_at != before:
        key.window_byok_usage = 0


def require_usable(key: KeyColumns | None, now: datetime) -> None:
    """Raise NotAuthenticated (401), with the remedy, if the key is missing, deleted, disabled or expired."""
    if key is None:
        raise _refusal("This API key does not exist. Create one")
    if key.deleted_at is not None:
        raise _refusal("This API key has been deleted. Create a new one")
    if key.disabled:
        raise _refusal("This API key is disabled. Enable it")
    if _is_expired(key, now):
        raise _refusal("This API key has expired. Create a new one")


def require_current(previous_hash: str | None, works_until: datetime | None, key_hash: str, now: datetime) -> None:
    """Raise NotAuthenticated if the hash is that of a secret before a rotation whose grace period has ended."""
    if previous_hash == key_hash and works_until is not None and works_until <= now:
        raise _refusal("This API key has been rotated. Use its new secret, or rotate it again")


def require_address(restrictions: Restrictions | None, address: str | None) -> None:
    """Raise PermissionDenied (403) if the key may not be used from the client's address."""
    if restrictions is None or not restrictions.networks or is_within(address, restrictions.networks):
        return
    raise PermissionDenied(
        f"This API key may not be used from {address or 'an unknown address'}. Add the address to its allowed IP "
        f"addresses at {settings.SITE_URL}/settings/keys"
    )


def is_within(address: str | None, networks: Iterable[Network]) -> bool:
    """Return whether the address is in one of the networks."""
    parsed = parse_address(address) if address else None
    return parsed is not None and any(parsed in network for network in networks)


def model_refusal(restrictions: Restrictions, requested: str) -> PermissionDenied:
    """Return the refusal (403) of a key that may use none of the models that the name stands for."""
    listed = ", ".join(sorted(restrictions.models)[:5]) + (", ..." if len(restrictions.models) > 5 else "")
    return PermissionDenied(
        f"This API key may not use {requested[:100]}. It allows {listed}. Add the model at "
        f"{settings.SITE_URL}/settings/keys"
    )


def require_place(most: int | None, running: int) -> None:
    """Raise RateLimited (429) if as many requests of the key are running as it allows at the same time."""
    if most is not None and running >= most:
        raise RateLimited(
            f"This API key allows {most} {'request' if most == 1 else 'requests'} at the same time. Wait for one to "
            f"finish, or raise the limit at {settings.SITE_URL}/settings/keys",
            headers={"Retry-After": "1"},
        )


def _is_expired(key: KeyColumns, now: datetime) -> bool:
    return key.expires_at is not None and key.expires_at <= now


def _refusal(problem: str) -> NotAuthenticated:
    return NotAuthenticated(f"{problem} at {settings.SITE_URL}/settings/keys")


@dataclass(frozen=True)
class KeyStatus:
    """The status of `key` at the moment `now`, for pages and the API. Money in pico-USD."""

    key: KeyColumns
    now: datetime

    @cached_property
    def spent(self) -> PicoUsd:
        """The usage that counts toward the limit."""
        return PicoUsd(spend_limits.counted(limit_columns(self.key), self.now))

    @cached_property
    def remaining(self) -> PicoUsd | None:
        """The rest of the limit; None without a limit."""
        return remaining(self.key, self.now)

    @property
    def used_percent(self) -> int:
        """The used share of the limit, 0 to 100."""
        return spend_limits.used_percent(limit_columns(self.key), self.now)

    @property
    def resets_at(self) -> datetime | None:
        """The start of the next window; None if the limit does not reset."""
        return spend_limits.resets_at(self.key.limit_reset, self.now)

    @cached_property
    def state(self) -> str:
        """One of "active", "disabled", "expired", "exhausted"."""
        if self.key.disabled:
            return "disabled"
        if _is_expired(self.key, self.now):
            return "expired"
        return "exhausted" if self.remaining == 0 else "active"
