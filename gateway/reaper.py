"""The reaper: gives back the holds of requests whose process has died."""

import logging
from datetime import timedelta

from django.db import transaction

from billing.models import CreditAccount
from common.clock import utc_now
from keys.models import ApiKey

from .models import EndpointMinute, GatewayProcess, Generation

__all__ = ["reap"]

log = logging.getLogger(__name__)

#: A process that has not been heard of for this long is dead; it reports every fifteen seconds.
DEAD_AFTER = timedelta(seconds=60)
#: Dead processes are forgotten after this long, minutes of endpoints after twice as long.
FORGET_AFTER = timedelta(days=1)


def reap() -> int:
    """How many open generations of dead processes were released. Nothing is charged for them.

    A process that was only slow settles its request later all the same, without a hold.
    """
    now = utc_now()
    alive = GatewayProcess.objects.filter(seen_at__gte=now - DEAD_AFTER).values("id")
    # A process writes its first sign of life before its first generation, so no name is missing for long.
    orphans = Generation.objects.filter(state=Generation.State.OPEN, created_at__lt=now - DEAD_AFTER).exclude(
        process_id__in=alive
    )
    released = sum(
        _release(generation_id, account_id) for generation_id, account_id in orphans.values_list("pk", "account_id")
    )
    if released:
        log.warning("released the holds of %d requests whose process had died", released)
    GatewayProcess.objects.filter(seen_at__lt=now - FORGET_AFTER).delete()
    EndpointMinute.objects.filter(minute__lt=now - 2 * FORGET_AFTER).delete()
    return released


@transaction.atomic
def _release(generation_id: str, account_id: int) -> bool:
    """Release one hold, unless it has been settled meanwhile. Locks account before key, as settlement does."""
    account = CreditAccount.objects.select_for_update().get(pk=account_id)
    generation = Generation.objects.filter(pk=generation_id, state=Generation.State.OPEN).first()
    if generation is None:
        return False
    account.held -= generation.hold
    account.save(update_fields=["held"])
    if generation.key_id is not None:
        key = ApiKey.objects.select_for_update().filter(pk=generation.key_id).first()
        if key is not None:
            key.held -= generation.hold
            key.save(update_fields=["held"])
    generation.state = Generation.State.RELEASED
    generation.settled_at = utc_now()
    generation.save(update_fields=["state", "settled_at"])
    return True
