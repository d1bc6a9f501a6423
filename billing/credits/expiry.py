"""Expiry of purchased credits one year after the purchase, where the operator has enabled it, and of promotional
credits where their code says so.

A nightly task calls `run`. The owner is warned 30 and 7 days before; of promotional credits only if they last longer
than that. If a warning is late, the expiration date moves, so the notice is never shorter. Nothing else expires.
Credits on hold are kept until the requests end, and a frozen account keeps all its credits because it cannot spend
them.
"""

import logging
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.utils import dateformat, timezone

from billing.models import CreditAccount, ExpiringCredits, LedgerEntry, Lot
from billing.notifications import emails
from common.money import PicoUsd

from . import ledger

__all__ = ["WARN_BEFORE", "expiration_date", "run", "upcoming"]

logger = logging.getLogger(__name__)

Kind = LedgerEntry.Kind

#: How long before the expiration date the first and the second warning are sent.
WARN_BEFORE = (timedelta(days=30), timedelta(days=7))
#: `run` is called once a day, so a warning up to a day later than WARN_BEFORE is on time.
RUN_INTERVAL = timedelta(days=1)


def expiration_date(credited_at: datetime) -> datetime | None:
    """When credits purchased at that time expire: the same day next year. None while expiry is disabled."""
    return _add_year(credited_at) if settings.CREDITS_EXPIRE else None


def upcoming(account: CreditAccount) -> list[ExpiringCredits]:
    """The account's unspent credits that expire, by expiration date, soonest first."""
    if not Lot.objects.filter(_expires(), account=account).exists():
        return []
    found, end = [], account.credits
    # Newest first, to stop at the account's position on the credit line: everything before it is spent.
    lots = Lot.objects.filter(account=account).select_related("entry").order_by("-pk")
    for lot in lots.iterator(chunk_size=50):
        if end <= account.usage:
            break
        unspent = min(lot.amount, end - account.usage)
        end -= lot.amount
        if unspent > 0 and lot.purchase_id and settings.CREDITS_EXPIRE:
            expires_at = lot.expires_at or _add_year(lot.created_at)
            found.append(ExpiringCredits(PicoUsd(unspent), expires_at, lot.created_at))
        elif unspent > 0 and lot.expires_at and lot.entry.kind == Kind.PROMOTION:
            found.append(ExpiringCredits(PicoUsd(unspent), lot.expires_at, lot.created_at, is_promotional=True))
    return sorted(found, key=lambda each: each.expires_at)


def run() -> int:
    """Send due warnings and expire due lots; returns how many lots expired. Safe to call at any time, repeatedly."""
    now = timezone.now()
    if settings.CREDITS_EXPIRE:
        _backfill_dates()
    lots = Lot.objects.filter(_expires(), expires_at__lte=now + WARN_BEFORE[0], amount__gt=0)
    due = CreditAccount.objects.filter(pk__in=lots.values("account"), credits__gt=F("usage"), frozen_reason="")
    expired = 0
    for account_id in due.order_by("pk").values_list("pk", flat=True).iterator():
        expired += _process_account(account_id, now)
    return expired


def _expires() -> Q:
    """The lots that expire: promotional ones with a date, and purchases while their expiry is enabled."""
    promotional = Q(entry__kind=Kind.PROMOTION, expires_at__isnull=False)
    return promotional | Q(purchase__isnull=False) if settings.CREDITS_EXPIRE else promotional


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
        lots = account.lots.filter(_expires(), amount__gt=0, expires_at__lte=now + WARN_BEFORE[0])
        for lot in lots.select_related("purchase", "entry__redemption__code").order_by("pk"):
            if lot.expiry_warnings < len(_notices(lot)):
                if warning := _warn(lot, now):
                    warnings.append(warning)
            elif lot.expires_at is not None and lot.expires_at <= now:
                expired += _expire(account, lot)
        if warnings:
            emails.credits_expire(account, sorted(warnings, key=lambda each: each.expires_at))
    return expired


def _notices(lot: Lot) -> list[timedelta]:
    """How long before the expiration date each warning of the lot is sent."""
    if lot.entry.kind != Kind.PROMOTION:
        return list(WARN_BEFORE)
    lifetime = timedelta(days=lot.entry.redemption.code.credit_days or 0)
    return [notice for notice in WARN_BEFORE if notice < lifetime]


def _warn(lot: Lot, now: datetime) -> ExpiringCredits | None:
    """The warning now due for the lot, counted so that it is sent once; None if none is due."""
    notice = _notices(lot)[lot.expiry_warnings]
    unspent = ledger.unspent(lot, keep_held=False)
    assert lot.expires_at is not None
    if not unspent or lot.expires_at > now + notice:
        return None
    if lot.expires_at < now + notice - RUN_INTERVAL:
        lot.expires_at = now + notice
    lot.expiry_warnings += 1
    lot.save(update_fields=["expires_at", "expiry_warnings"])
    return ExpiringCredits(unspent, lot.expires_at, lot.created_at, lot.entry.kind == Kind.PROMOTION)


def _expire(account: CreditAccount, lot: Lot) -> bool:
    """Take the part of the lot that is neither spent nor on hold; returns whether there was any.

    The account must be locked.
    """
    unspent = ledger.unspent(lot)
    if not unspent:
        return False
    # A hold may be released later. What it covered then expires in a later run, as an entry of its own.
    reference = f"lot:{lot.pk}:"
    earlier = LedgerEntry.objects.filter(account=account, kind=Kind.EXPIRY, reference__startswith=reference).count()
    on = dateformat.format(lot.created_at, "j F Y")
    promotional = lot.entry.kind == Kind.PROMOTION
    ledger.claw_back(
        lot,
        unspent,
        kind=Kind.EXPIRY,
        reference=f"{reference}{earlier + 1}",
        note=f"Promotional code redeemed on {on}" if promotional else f"Bought on {on} and not used within a year",
    )
    logger.info("account %s: %s pico-USD of lot %s expired", account.pk, unspent, lot.pk)
    return True


def _add_year(moment: datetime) -> datetime:
    try:
        return moment.replace(year=moment.year + 1)
    except ValueError:  # 29 February
        return moment.replace(year=moment.year + 1, month=3, day=1)
