"""An auditor's books of one account: what its balance, lots and entries must be, in plain integers.

Kept beside the ledger and without its code. Amounts are pico-USD.
"""

from dataclasses import dataclass, field


@dataclass
class Stretch:
    """A lot: what one purchase or grant brought, less what was taken back."""

    purchase: object | None
    whole: int
    amount: int


@dataclass
class Books:
    """Lots lie end to end in the order in which they came; what is used or held is a stretch from their beginning."""

    lots: list[Stretch] = field(default_factory=list)
    usage: int = 0
    held: int = 0
    entries: list[tuple[str, int]] = field(default_factory=list)

    @property
    def credits(self) -> int:
        return sum(lot.amount for lot in self.lots)

    @property
    def available(self) -> int:
        return self.credits - self.usage - self.held

    def lot_of(self, purchase: object) -> Stretch:
        return next(lot for lot in self.lots if lot.purchase == purchase)

    def has(self, purchase: object) -> bool:
        return any(lot.purchase == purchase for lot in self.lots)

    def unspent(self, wanted: Stretch) -> int:
        """What of the lot nobody has used or holds."""
        left = self.usage + self.held
        for lot in self.lots:
            if lot is wanted:
                return max(0, lot.amount - left)
            left = max(0, left - lot.amount)
        raise AssertionError("no such lot")

    def bring(self, purchase: object | None, amount: int, kind: str) -> None:
        self.lots.append(Stretch(purchase, amount, amount))
        self.entries.append((kind, amount))

    def take(self, purchase: object, amount: int, kind: str) -> None:
        """From the purchase's own lot, then from the newest; never what was used."""
        left = amount
        for lot in self._own_then_newest(purchase):
            part = min(left, self.unspent(lot))
            lot.amount -= part
            left -= part
        assert not left, f"{kind}: {left} of {amount} had been spent"
        self.entries.append((kind, -amount))

    def claw_back(self, purchase: object, amount: int, kind: str) -> None:
        """From the purchase's own lot, used or not."""
        lot = self.lot_of(purchase)
        assert amount <= lot.amount
        lot.amount -= amount
        self.entries.append((kind, -amount))

    def give_back(self, purchase: object, amount: int, kind: str) -> None:
        left = amount
        for lot in self._own_then_newest(purchase):
            part = min(left, lot.whole - lot.amount)
            lot.amount += part
            left -= part
        assert not left, f"{kind}: more came back than had been taken"
        self.entries.append((kind, amount))

    def _own_then_newest(self, purchase: object) -> list[Stretch]:
        newest_first = self.lots[::-1]
        return sorted(newest_first, key=lambda lot: lot.purchase != purchase)
