"""The months of own provider keys in one batch of admissions and settlements: reservations, fees and counts."""

from common.money import PicoUsd

from .batch import LockedRows
from .own_keys import FreeShare, fee_of, month_of, rate
from .rows import GenerationRow, OwnKeyMonthRow

__all__ = ["OwnKeyMonths"]

_Month = tuple[int, str]


class OwnKeyMonths:
    """Applies the requests of a batch to the months of their accounts, which are locked. `added` is to be written."""

    def __init__(self, locked: LockedRows) -> None:
        self._locked = locked
        self._share = FreeShare.of_settings()
        self.added: dict[_Month, OwnKeyMonthRow] = {}

    def expect(self, generation: GenerationRow) -> None:
        """Keep the reservation of a request that ends in this batch until its turn: its hold is deleted already."""
        if (share := self._locked.shares.get(generation.id)) is not None:
            self.reserve(generation, share)

    def reservable(self, generation: GenerationRow, listed: int) -> tuple[int, bool]:
        """(the part of the free share that a request of at most this list price needs, whether that makes it free)."""
        needed = self._share.needed(listed)
        share = min(needed, self._left(generation))
        return share, share >= needed

    def reserve(self, generation: GenerationRow, share: int) -> None:
        """Reserve a part of the free share for a request that starts."""
        month = _month(generation)
        self._locked.reserved[month] = self._locked.reserved.get(month, 0) + share

    def release(self, generation: GenerationRow) -> None:
        """Give the reservation of a request that ends back."""
        if share := self._locked.shares.pop(generation.id, 0):
            self.reserve(generation, -share)

    def charge(self, generation: GenerationRow) -> PicoUsd:
        """Count a request on the customer's own key, use its part of the free share, and return its fee."""
        left = self._left(generation)
        listed = generation.byok_cost
        free = self._share.free_part(listed, left)
        generation.price = generation.price | {"byok_fee": rate() if listed > free else "0"}
        if generation.error_status is None:
            month = _month(generation)
            added = self.added.setdefault(month, OwnKeyMonthRow(*month))
            for row in (added, self._locked.own_months[month]):
                row.requests += 1
                row.listed += listed
                row.free_listed += free
                row.free_requests += listed == free and left >= self._share.needed(listed)
        return fee_of(listed - free)

    def _left(self, generation: GenerationRow) -> int:
        month = _month(generation)
        counted = self._locked.own_months.setdefault(month, OwnKeyMonthRow(*month))
        return self._share.left(counted, self._locked.reserved.get(month, 0))


def _month(generation: GenerationRow) -> _Month:
    return generation.account_id, month_of(generation.created_at)
