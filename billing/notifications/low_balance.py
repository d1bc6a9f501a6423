"""The low-balance alert: one mail when the balance falls below the line that the owner has drawn.

It is off until somebody draws one. After a mail the alert sleeps until the balance has risen a quarter above the
line, so that a balance that wavers around it is told of once. The ledger wakes it, which alone raises balances.
The settlement of requests reports a low balance at once; the clock looks every minute as well.
"""

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from billing.models import CreditAccount
from common.money import pico_from_cents

from . import emails

__all__ = ["alert", "low_accounts", "switch_off", "switch_on"]


def switch_on(account: CreditAccount, cents: int) -> CreditAccount:
    """The account with its line at so many cents. A balance that is below it already earns no mail: its owner is
    looking at it."""
    with transaction.atomic():
        locked = CreditAccount.objects.select_for_update().get(pk=account.pk)
        locked.alert_below = pico_from_cents(cents)
        locked.alerted_at = timezone.now() if locked.balance < locked.alert_below else None
        locked.save(update_fields=["alert_below", "alerted_at"])
    return locked


def switch_off(account: CreditAccount) -> bool:
    """Tell nobody from now on; whether it was on."""
    was_on = CreditAccount.objects.filter(pk=account.pk, alert_below__isnull=False)
    return bool(was_on.update(alert_below=None, alerted_at=None))


def alert(account_id: int) -> bool:
    """Send the mail if the balance is low and nobody was told yet; whether it was sent. May be called at any time."""
    with transaction.atomic():
        # Of many who notice it at once one changes the row: the others find it told.
        if not low_accounts().filter(pk=account_id).update(alerted_at=timezone.now()):
            return False
        emails.balance_is_low(CreditAccount.objects.select_related("organisation").get(pk=account_id))
    return True


def low_accounts() -> QuerySet[CreditAccount]:
    """The accounts whose owner is to be told that the balance is low. Frozen ones know more pressing news."""
    return CreditAccount.objects.filter(
        alert_below__isnull=False, alerted_at=None, alert_below__gt=F("credits") - F("usage"), frozen_reason=""
    )
