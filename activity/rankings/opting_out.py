"""Accounts that take their apps out of the rankings, or back in: the days on which they sent requests change."""

from typing import Any

from django.db.models.signals import pre_save

from accounts.models import PrivacySettings
from billing.models import CreditAccount

from .counting import count_again

__all__ = ["connect_signals"]


def connect_signals() -> None:
    """Notice changes of the setting."""
    pre_save.connect(_on_save, sender=PrivacySettings, dispatch_uid="activity.rankings")


def _on_save(instance: PrivacySettings, **_: Any) -> None:
    saved = PrivacySettings.objects.filter(pk=instance.pk).values_list("show_apps_in_rankings", flat=True).first()
    before = True if saved is None else saved
    if before is not instance.show_apps_in_rankings:
        for account in CreditAccount.objects.filter(organisation=instance.organisation_id):
            count_again(account)
