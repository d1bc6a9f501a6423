"""The low-balance alert: one email when the balance drops below a threshold that an admin has chosen.

It is off by default. After an email, the alert stays silent until the balance is 25% above the threshold, so that a
balance moving around it causes one email. The ledger re-arms the alert, because only the ledger raises balances.
The settlement of requests reports a low balance immediately; a task checks every minute as well.
"""

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from billing.models import CreditAccount
from common.money import pico_from_cents

from . import emails

__all__ = ["accounts_to_alert", "send_if_low", "turn_off", "turn_on"]


def turn_on(account: CreditAccount, threshold_cents: int) -> CreditAccount:
    """Set the threshold and return the account. If the balance is below it already, no email is sent."""
    with transaction.atomic():
        locked = CreditAccount.objects.select_for_update().get(pk=account.pk)
        locked.alert_below = pico_from_cents(threshold_cents)
        locked.alerted_at = timezone.now() if locked.balance < locked.alert_below else None
        locked.save(update_fields=["alert_below", "alerted_at"])
    return locked


def turn_off(account: CreditAccount) -> bool:
    """Remove the threshold. Return whether there was one."""
    was_on = CreditAccount.objects.filter(pk=account.pk, alert_below__isnull=False)
    return bool(was_on.update(alert_below=None, alerted_at=None))


def send_if_low(account_id: int) -> bool:
    """Send the alert if the balance is low and no alert was sent yet. Return whether it was sent. Safe to repeat."""
    with transaction.atomic():
        # Of several concurrent callers only one changes the row.
        if not accounts_to_alert().filter(pk=account_id).update(alerted_at=timezone.now()):
            return False
        emails.balance_is_low(CreditAccount.objects.select_related("organisation").get(pk=account_id))
    return True


def accounts_to_alert() -> QuerySet[CreditAccount]:
    """Return the accounts with a low balance and no alert yet. Frozen accounts are left out: they got a worse email."""
    return CreditAccount.objects.filter(
        alert_below__isnull=False, alerted_at=None, alert_below__gt=F("credits") - F("usage"), frozen_reason=""
    )
