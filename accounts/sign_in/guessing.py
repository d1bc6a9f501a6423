"""Limits on guessing passwords and codes.

They slow a guesser down and never lock the owner out: what a stranger uses up is the budget of their own address.
`ACCOUNT_RATE_LIMITS` in the settings has the numbers.

- An address has a budget for wrong guesses at all accounts together, and a smaller one for each account. It refills.
- While an account is attacked from many addresses, each of them has less, but the first guess from any address counts:
  the owner gets in with the right password.
- Codes of a second factor are short, so an account also has a budget for them over all addresses. Only those who know
  the password can use it up, and a new password refills it.

An attempt takes from the budgets before the password is checked, so that parallel attempts can't all pass, and a
success gives it back. Repeated failures are reported to the owner by email, once for each burst.
"""

import hashlib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from allauth.account.adapter import get_adapter
from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts import tasks

__all__ = ["Attempt", "Secret", "begin", "clear", "limited"]

logger = logging.getLogger(__name__)

APP = "allauth.account"
#: Wrong guesses at one account within `WINDOW` seconds, from all addresses, after which the owner is told, and after
#: which the account counts as attacked.
TELL_OWNER_AT = 5
ATTACKED_AT = 20
WINDOW = 60 * 60
#: A burst of failures ends after so many seconds without one.
QUIET = 6 * 60 * 60


class Secret(StrEnum):
    """The secret that is guessed; also the start of the names of its limits."""

    PASSWORD = "password"  # noqa: S105
    CODE = "code"


class Attempt:
    """A guess that was let through. Call `succeeded` or `failed`, once."""

    def __init__(self, account: str, secret: Secret, address: str, usages: list[ratelimit.RateLimitUsage]) -> None:
        self.account = account
        self.secret = secret
        self.address = address
        self._usages = usages

    def succeeded(self) -> None:
        """Give back what the attempt took from the budgets."""
        for usage in self._usages:
            usage.rollback()

    def failed(self) -> None:
        """Count the failure, and let the owner know about repeated ones.

        Does the same for an address without an account, so that the time it takes says nothing.
        """
        failures = _count(self.account)
        told = _key("told", self.account)
        if failures < TELL_OWNER_AT or cache.touch(told, QUIET) or not cache.add(told, 1, QUIET):
            return
        try:
            tasks.report_failed_attempts.apply_async(
                (self.account, str(self.secret), failures, self.address), retry=False
            )
        except Exception:  # the broker is down: signing in must go on
            logger.warning("The owner of an account was not told about failed attempts", exc_info=True)


def begin(request: HttpRequest, account: str, secret: Secret) -> Attempt:
    """Return the attempt to guess this account's secret. Raises ValidationError if the limits refuse it.

    `account` is the email address that was typed, or the user's.
    """
    account, address = account.strip().lower(), ratelimit.get_ip(request)
    attacked = cache.get(_key("failures", account), 0) >= ATTACKED_AT
    limits = {
        "guess": None,
        f"{secret}_guess": f"{account} {address}",
        f"{secret}_guess_everywhere": account,
    }
    if attacked:
        limits["guess_while_attacked"] = f"{account} {address}"
    usages: list[ratelimit.RateLimitUsage] = []
    for action, key in limits.items():
        usage = ratelimit.consume(request, app=APP, action=action, key=key)
        if not usage:
            for earlier in usages:
                earlier.rollback()
            raise get_adapter().validation_error("too_many_login_attempts")
        usages.append(usage)
    return Attempt(account, secret, address, usages)


@contextmanager
def limited(request: HttpRequest, account: str, secret: Secret) -> Iterator[None]:
    """Run a check of a secret within the limits. A ValidationError from it is a failed guess."""
    attempt = begin(request, account, secret)
    try:
        yield
    except ValidationError:
        attempt.failed()
        raise
    attempt.succeeded()


def clear(request: HttpRequest, account: str) -> None:
    """Refill the budgets of this account for the request's address, and its own: its password was reset."""
    account, address = account.strip().lower(), ratelimit.get_ip(request)
    for secret in Secret:
        ratelimit.clear(request, app=APP, action=f"{secret}_guess", key=f"{account} {address}")
        ratelimit.clear(request, app=APP, action=f"{secret}_guess_everywhere", key=account)
    ratelimit.clear(request, app=APP, action="guess_while_attacked", key=f"{account} {address}")
    cache.delete_many([_key("failures", account), _key("told", account)])


def _count(account: str) -> int:
    """Count a failure and return the number of this account's within the window."""
    key = _key("failures", account)
    if cache.add(key, 1, WINDOW):
        return 1
    try:
        return cache.incr(key)
    except ValueError:  # it expired in between
        cache.add(key, 1, WINDOW)
        return 1


def _key(name: str, account: str) -> str:
    return f"guessing:{name}:{hashlib.sha256(account.encode()).hexdigest()}"
