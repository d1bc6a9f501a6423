"""Expiry: what is unspent a year after it was bought goes, where the operator has switched that on.

The clock calls `run` every night. The owner is warned twice, 30 and 7 days before; a warning that comes late
moves the date, so that nobody ever has less notice than that. Only purchases expire, the oldest first. What
running requests hold stays until they end, and an account that is frozen keeps everything: it cannot spend.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils import dateformat, timezone

from billing.models import CreditAccount, ExpiringCredits, LedgerEntry, Lot
from billing.notifications import emails
from common.money import PicoUsd

from . import ledger

__all__ = ["NOTICE", "coming", "date_for", "run"]

logger = logging.getLogger(__name__)

#: How long before its date a lot is warned of, first and second.
NOTICE = (timedelta(days=30), timedelta(days=7))
#: Warnings go out once a night: one that is up to a day short of its notice is not late.
NIGHT = timedelta(days=1)


def date_for(credited_at: datetime) -> datetime | None:
    """When credits that were bought then expire: the same day next year. None while expiry is switched off."""
    return _a_year_after(credited_at) if settings.CREDITS_EXPIRE else None


def coming(account: CreditAccount) -> list[ExpiringCredits]:
    """What of the account's credits expires when, soonest first; empty while expiry is switched off."""
    if not settings.CREDITS_EXPIRE:
        return []
    found, end = [], account.credits
    # Newest first: everything before the account's position on the credit line is spent.
    for lot in Lot.objects.filter(account=account).order_by("-pk").iterator(chunk_size=50):
        if end <= account.usage:
            break
        unspent = min(lot.amount, end - account.usage)
        end -= lot.amount
        if lot.purchase_id and unspent > 0:
            at = lot.expires_at or _a_year_after(lot.created_at)
            found.append(ExpiringCredits(PicoUsd(unspent), at, lot.created_at))
    return sorted(found, key=lambda each: each.expires_at)


def run() -> int:
    """Warn and expire whatever is due; how many lots have expired. May run at any time, any number of times."""
    if not settings.CREDITS_EXPIRE:
        return 0
    now = timezone.now()
    _date_earlier_purchases()
    due = CreditAccount.objects.filter(
        lots__expires_at__lte=now + NOTICE[0], lots__amount__gt=0, credits__gt=F("usage"), frozen_reason=""
    )
    expired = 0
    for account_id in due.distinct().order_by("pk").values_list("pk", flat=True).iterator():
        expired += _visit(account_id, now)
    return expired


def _date_earlier_purchases() -> None:
    """Lots that were bought before expiry was switched on."""
    undated = Lot.objects.filter(purchase__isnull=False, expires_at=None)
    for lot in undated.iterator(chunk_size=1000):
        Lot.objects.filter(pk=lot.pk, expires_at=None).update(expires_at=_a_year_after(lot.created_at))


def _visit(account_id: int, now: datetime) -> int:
    """Warn of one account's lots, and expire those whose warnings are over; how many have expired."""
    expired, warned = 0, []
    with transaction.atomic():
        account = CreditAccount.objects.select_for_update().get(pk=account_id)
        if account.frozen_reason:
            return 0
        lots = account.lots.filter(purchase__isnull=False, amount__gt=0, expires_at__lte=now + NOTICE[0])
        for lot in lots.select_related("purchase").order_by("pk"):
            if lot.expiry_warnings < len(NOTICE):
                if warning := _warn(lot, now):
                    warned.append(warning)
            elif lot.expires_at is not None and lot.expires_at <= now:
                expired += _expire(account, lot)
        if warned:
            emails.credits_expire(account, sorted(warned, key=lambda each: each.expires_at))
    return expired


def _warn(lot: Lot, now: datetime) -> ExpiringCredits | None:
    """The warning that is due for the lot, noted so that it is given once. None when none is."""
    notice = NOTICE[lot.expiry_warnings]
    unspent = ledger.unspent(lot, keep_held=False)
    assert lot.expires_at is not None
    if not unspent or lot.expires_at > now + notice:
        return None
    if lot.expires_at < now + notice - NIGHT:
        lot.expires_at = now + notice
    lot.expiry_warnings += 1
    lot.save(update_fields=["expires_at", "expiry_warnings"])
    return ExpiringCredits(unspent, lot.expires_at, lot.created_at)


def _expire(account: CreditAccount, lot: Lot) -> bool:
    """Take what of the lot is neither spent nor held. The account must be locked."""
    unspent = ledger.unspent(lot)
    if not unspent:
        return False
    # What was held may be given free later, and then goes on another night: as an entry of its own.
    before = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.EXPIRY, purchase=lot.purchase_id).count()
    ledger.take(
        account,
        unspent,
        kind=LedgerEntry.Kind.EXPIRY,
        reference=f"lot:{lot.pk}:{before + 1}",
        purchase=lot.purchase,
        note=f"Bought on {dateformat.format(lot.created_at, 'j F Y')} and not used within a year",
    )
    logger.info("account %s: %s pico-USD of lot %s have expired", account.pk, unspent, lot.pk)
    return True


def _a_year_after(moment: datetime) -> datetime:
    try:
        return moment.replace(year=moment.year + 1)
    except ValueError:  # 29 February
        return moment.replace(year=moment.year + 1, month=3, day=1)
