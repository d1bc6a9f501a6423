"""Days that are over: what is made of them alone is kept in the cache, and stays right until they are written again.

So nothing that a page shows lags behind: the hours since then are read each time.
"""

import functools
import hashlib
import logging
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db.models import OuterRef, QuerySet, Subquery

from billing.models import CreditAccount
from common.storage.outages import outage_of
from gateway.models import UsageDay, UsageRollup

from .rollups import NEVER

__all__ = ["Completed", "completed", "kept"]

logger = logging.getLogger(__name__)

#: Seconds for which something is kept, and compressed bytes beyond which it is not.
SECONDS = 600
MOST_BYTES = 250_000
#: Places of an account in the cache: however many different things it asks for, no more than these are kept.
PLACES = 64
#: Rises when another release means something else by the same name.
_FORMAT = 3


@dataclass(frozen=True, slots=True)
class Completed:
    """The end of an account's days that are added up, and by which writing.

    A request that settles late moves `until` back to its day. The clock then writes that day and all after it again, so
    the newest of them has rows with other numbers: `newest` are those of one of each kind.
    """

    until: datetime
    newest: tuple[int | None, ...] = ()


def completed(account: CreditAccount) -> Completed:
    """Return what is known of the account's days, read in one query."""
    for until, *newest in _rollups().filter(account=account):
        return Completed(until, tuple(newest))
    return Completed(NEVER)


@functools.cache
def _rollups() -> QuerySet[UsageRollup, tuple[Any, ...]]:
    """Return the query of the fields of `Completed`. Making it takes longer than running it."""
    days = UsageDay.objects.filter(account=OuterRef("account"), day__lt=OuterRef("until")).order_by("-day")
    newest = [Subquery(days.filter(kept=kind).values("pk")[:1]) for kind in (UsageDay.Kept.ALL, UsageDay.Kept.ONLY)]
    return UsageRollup.objects.values_list("until", *newest)


def kept(account: CreditAccount, days: Completed, about: tuple[object, ...], make: Callable[[], bytes]) -> bytes:
    """Return what `make` makes of these days, from the cache if it was made of them before.

    `about` names it: whatever else it depends on belongs there. It must not depend on hours since `days.until`.
    A name has two of the account's places, and takes that of another if both are taken. Without a cache it is made
    each time.
    """
    name = hashlib.sha256(repr((_FORMAT, days, about)).encode()).digest()
    places = [f"usage:{account.pk}:{part % PLACES}" for part in name[:2]]
    try:
        found: dict[str, bytes] = cache.get_many(places)
    except Exception as error:
        if not outage_of(error):
            raise
        return make()
    for packed in found.values():
        if packed.startswith(name):
            return zlib.decompress(packed[len(name) :])
    made = make()
    free = [place for place in places if place not in found]
    _keep((free or places)[0], name + zlib.compress(made, 1))
    return made


def _keep(key: str, packed: bytes) -> None:
    if len(packed) > MOST_BYTES:
        return
    try:
        cache.set(key, packed, SECONDS)
    except Exception as error:
        if not outage_of(error):
            raise
        logger.warning("sums of completed days are not kept: the cache is away")
