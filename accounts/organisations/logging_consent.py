"""Turning logging of prompts and responses on and off, with a record of each member's decision."""

from collections.abc import Sequence

from django.db import transaction

from accounts.models import LoggingConsent, Organisation, PrivacySettings, User

__all__ = ["VERSION", "change", "latest", "turn_off", "turn_on"]

#: The version of the text that members agree to. Another text needs another version.
VERSION = "2026-11-30"


def turn_on(organisation: Organisation, user: User, share: int, keys: Sequence[str]) -> None:
    """Log from the next request on: `share` of the requests (basis points), of these API keys' hashes or of all."""
    with transaction.atomic():
        _save(organisation, log_for_discount=True, log_share=share, log_keys=[*keys])
        LoggingConsent.objects.create(organisation=organisation, user=user, is_given=True, version=VERSION)


def change(organisation: Organisation, share: int, keys: Sequence[str]) -> None:
    """Change which requests are logged; without effect while logging is off."""
    PrivacySettings.objects.filter(organisation=organisation, log_for_discount=True).update(
        log_share=share, log_keys=[*keys]
    )


def turn_off(organisation: Organisation, user: User) -> None:
    """Log nothing from now on. What is stored stays until it is deleted."""
    with transaction.atomic():
        _save(organisation, log_for_discount=False)
        LoggingConsent.objects.create(organisation=organisation, user=user, is_given=False, version=VERSION)


def latest(organisation: Organisation) -> LoggingConsent | None:
    """Return the last decision; None if there was none."""
    return organisation.logging_consents.select_related("user").order_by("-at", "-pk").first()


def _save(organisation: Organisation, **values: object) -> None:
    PrivacySettings.objects.update_or_create(organisation=organisation, defaults=values)
