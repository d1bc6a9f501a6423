"""The reaper: releases the holds of requests whose process has died."""

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from billing.models import CreditAccount
from common.clock import hour_of, utc_now, window_start
from gateway.changes import changed_accounts
from gateway.models import EndpointMinute, GatewayProcess, Generation, Hold, UsageHour, UsageRollup

__all__ = ["orphans", "reap"]

log = logging.getLogger(__name__)

#: A process without a heartbeat for this long is dead. Heartbeats come every 15 seconds.
DEAD_AFTER = timedelta(seconds=60)
#: Rows of dead processes are deleted after this long, endpoint minutes after twice as long.
DELETE_AFTER = timedelta(days=1)


def orphans(now: datetime) -> QuerySet[Hold]:
    """The holds whose process has died."""
    alive = GatewayProcess.objects.filter(seen_at__gte=now - DEAD_AFTER).values("id")
    # A process writes its first heartbeat before its first hold, so a live process is never missing from this table.
    return Hold.objects.filter(created_at__lt=now - DEAD_AFTER).exclude(process_id__in=alive)


def reap() -> int:
    """Release the holds of dead processes without a charge; returns their number.

    A process that was only slow still settles its requests later, without a hold.
    """
    now = utc_now()
    dead = orphans(now).values_list("pk", "account_id")
    released = sum(_release(hold_id, account_id) for hold_id, account_id in dead)
    if released:
        log.warning("released the holds of %d requests whose process had died", released)
    GatewayProcess.objects.filter(seen_at__lt=now - DELETE_AFTER).delete()
    EndpointMinute.objects.filter(minute__lt=now - 2 * DELETE_AFTER).delete()
    return released


@transaction.atomic
def _release(hold_id: str, account_id: int) -> bool:
    """Release one hold; False when it is already settled. Locks the account, as settlement does."""
    account = CreditAccount.objects.select_for_update().get(pk=account_id)
    held = Hold.objects.filter(pk=hold_id, account=account)
    hold = held.first()
    if hold is None:
        return False
    account.held -= hold.amount
    account.save(update_fields=["held"])
    generation = hold.generation(Generation.State.RELEASED)
    generation.settled_at = utc_now()
    generation.save(force_insert=True)
    _mark_hour(generation)
    held.delete()
    transaction.on_commit(lambda: changed_accounts.give((account_id,)), robust=True)
    return True


def _mark_hour(generation: Generation) -> None:
    """Make sure that the request's hour has its row, if only with zeros: filtered lists look where there are rows."""
    hour = hour_of(generation.created_at)
    UsageHour.objects.get_or_create(
        account_id=generation.account_id, hour=hour, key_id=generation.key_id or 0, user_id=generation.user_id or 0,
        model=generation.requested_model, provider="", app=generation.app, source=generation.source,
    )  # fmt: skip
    day = window_start("daily", hour)
    UsageRollup.objects.filter(account=generation.account_id, until__gt=day).update(until=day)
