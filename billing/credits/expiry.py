"""Expiry of purchased credits one year after the purchase, where the operator has enabled it.

A nightly task calls `run`. The owner is warned 30 and 7 days before. If a warning is late, the expiration date moves,
so the notice is never shorter than that. Only purchases expire, oldest first. Credits on hold are kept until the
requests end, and a frozen account keeps all its credits because it cannot spend them.
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

__all__ = ["WARN_BEFORE", "expiration_date", "run", "upcoming"]

logger = logging.getLogger(__name__)

#: How long before the expiration date the first and the second warning are sent.
WARN_BEFORE = (timedelta(days=30), timedelta(days=7))
#: `run` is called once a day, so a warning up to a day later than WARN_BEFORE is on time.
RUN_INTERVAL = timedelta(days=1)


def expiration_date(credited_at: datetime) -> datetime | None:
    """When credits purchased at that time expire: the same day next year. None while expiry is disabled."""
    return _add_year(credited_at) if settings.CREDITS_EXPIRE else None


def upcoming(account: CreditAccount) -> list[ExpiringCredits]:
    """The account's unspent purchased credits by expiration date, soonest first; empty while expiry is disabled."""
    if not settings.CREDITS_EXPIRE:
        return []
    found, end = [], account.credits
    # Newest first, to stop at the account's position on the credit line: everything before it is spent.
    for lot in Lot.objects.filter(account=account).order_by("-pk").iterator(chunk_size=50):
        if end <= account.usage:
            break
        unspent = min(lot.amount, end - account.usage)
        end -= lot.amount
        if lot.purchase_id and unspent > 0:
            expires_at = lot.expires_at or _add_year(lot.created_at)
            found.append(ExpiringCredits(PicoUsd(unspent), expires_at, lot.created_at))
    return sorted(found, key=lambda each: each.expires_at)


def run() -> int:
    """Send due warnings and expire due lots; returns how many lots expired. Safe to call at any time, repeatedly."""
    if not settings.CREDITS_EXPIRE:
        return 0
    now = timezone.now()
    _backfill_dates()
    due = CreditAccount.objects.filter(
        lots__expires_at__lte=now + WARN_BEFORE[0], lots__amount__gt=0, credits__gt=F("usage"), frozen_reason=""
    )
    expired = 0
    for account_id in due.distinct().order_by("pk").values_list("pk", flat=True).iterator():
        expired += _process_account(account_id, now)
    return expired


def _backfill_dates() -> None:
    """Set the expiration date of lots that were purchased before expiry was enabled."""
    undated = Lot.objects.filter(purchase__isnull=False, expires_at=None)
    for lot in undated.iterator(chunk_size=1000):
        Lot.objects.filter(pk=lot.pk, expires_at=None).update(expires_at=_add_year(lot.created_at))


def _process_account(account_id: int, now: datetime) -> int:
    """Send the account's due warnings and expire its due lots; returns how many lots expired."""
    expired, warnings = 0, []
    with transaction.atomic():
        account = CreditAccount.objects.select_for_update().get(pk=account_id)
        if account.frozen_reason:
            return 0
        lots = account.lots.filter(purchase__isnull=False, amount__gt=0, expires_at__lte=now + WARN_BEFORE[0])
        for lot in lots.select_related("purchase").order_by("pk"):
            if lot.expiry_warnings < len(WARN_BEFORE):
                if warning := _warn(lot, now):
                    warnings.append(warning)
            elif lot.expires_at is not None and lot.expires_at <= now:
                expired += _expire(account, lot)
        if warnings:
            emails.credits_expire(account, sorted(warnings, key=lambda each: each.expires_at))
    return expired


def _warn(lot: Lot, now: datetime) -> ExpiringCredits | None:
    """The warning now due for the lot, counted so that it is sent once; None if none is due."""
    notice = WARN_BEFORE[lot.expiry_warnings]
    unspent = ledger.unspent(lot, keep_held=False)
    assert lot.expires_at is not None
    if not unspent or lot.expires_at > now + notice:
        return None
    if lot.expires_at < now + notice - RUN_INTERVAL:
        lot.expires_at = now + notice
    lot.expiry_warnings += 1
    lot.save(update_fields=["expires_at", "expiry_warnings"])
    return ExpiringCredits(unspent, lot.expires_at, lot.created_at)


def _expire(account: CreditAccount, lot: Lot) -> bool:
    """Take the part of the lot that is neither spent nor on hold; returns whether there was any.

    The account must be locked.
    """
    unspent = ledger.unspent(lot)
    if not unspent:
        return False
    # A hold may be released later. What it covered then expires in a later run, as an entry of its own.
    earlier = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.EXPIRY, purchase=lot.purchase_id).count()
    ledger.take(
        account,
        unspent,
        kind=LedgerEntry.Kind.EXPIRY,
        reference=f"lot:{lot.pk}:{earlier + 1}",
        purchase=lot.purchase,
        note=f"Bought on {dateformat.format(lot.created_at, 'j F Y')} and not used within a year",
    )
    logger.info("account %s: %s pico-USD of lot %s expired", account.pk, unspent, lot.pk)
    return True


def _add_year(moment: datetime) -> datetime:
    try:
        return moment.replace(year=moment.year + 1)
    except ValueError:  # 29 February
        return moment.replace(year=moment.year + 1, month=3, day=1)
