"""The state of this installation: what is configured, simulated, missing and failing, with the remedy for each.

`checks()` runs every check. One that itself fails is reported as failing, without the text of the error, which may hold
a password. The admin's start page shows the result.
"""

from collections.abc import Callable

from .parts import money, providers, services
from .parts.check import FAILING, MISSING, OK, SIMULATED, UNKNOWN, Check

__all__ = ["FAILING", "MISSING", "OK", "SIMULATED", "UNKNOWN", "Check", "checks"]

CHECKS: tuple[tuple[str, Callable[[], list[Check]]], ...] = (
    ("Database", services.check_database),
    ("Redis", services.check_redis),
    ("Web processes", services.check_web),
    ("Worker", services.check_worker),
    ("Periodic tasks", services.check_tasks),
    ("Catalog", providers.check_catalog),
    ("Providers", providers.check_providers),
    ("Providers", providers.check_provider_health),
    ("Provider keys", providers.check_provider_keys),
    ("Customers' provider keys", providers.check_own_provider_keys),
    ("Payments", money.check_payments),
    ("Webhooks", money.check_webhooks),
    ("Ledger", money.check_ledger),
    ("Email", services.check_mail),
)


def checks() -> list[Check]:
    """The state of every part, in the order of the page."""
    return [found for name, check in CHECKS for found in _run(name, check)]


def _run(name: str, check: Callable[[], list[Check]]) -> list[Check]:
    try:
        return check()
    except Exception as error:
        return [Check(name, FAILING, f"Couldn't be checked ({type(error).__name__}).", "Look at the server's log.")]
