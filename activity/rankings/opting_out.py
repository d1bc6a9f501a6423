"""Accounts that take their apps or uses out of the rankings, or back in: the days of their requests change."""

from typing import Any

from django.db.models.signals import pre_save

from accounts.models import PrivacySettings
from billing.models import CreditAccount

from .counting import count_again

__all__ = ["connect_signals"]


#: The settings that change what counts.
_SETTINGS = ("show_apps_in_rankings", "classify_requests")


def connect_signals() -> None:
    """Notice changes of the setting."""
    pre_save.connect(_on_save, sender=PrivacySettings, dispatch_uid="activity.rankings")


def _on_save(instance: PrivacySettings, **_: Any) -> None:
    before = PrivacySettings.objects.filter(pk=instance.pk).first() or PrivacySettings()
    if any(getattr(before, name) is not getattr(instance, name) for name in _SETTINGS):
        for account in CreditAccount.objects.filter(organisation=instance.organisation_id):
            count_again(account)
