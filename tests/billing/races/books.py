"""A second, independent ledger of one account: its expected balance, lots and entries, in plain integers.

It shares no code with the product's ledger. Amounts are pico-USD.
"""

from dataclasses import dataclass, field


@dataclass
class ExpectedLot:
    """The credits of one purchase, grant or code, and what is left of them after refunds, disputes and expiry."""

    purchase: object | None
    original: int
    amount: int


@dataclass
class Books:
    """Lots in the order they were credited. Usage and holds cover them from the first one on."""

    lots: list[ExpectedLot] = field(default_factory=list)
    usage: int = 0
    held: int = 0
    entries: list[tuple[str, int]] = field(default_factory=list)

    @property
    def credits(self) -> int:
        return sum(lot.amount for lot in self.lots)

    @property
    def available(self) -> int:
        return self.credits - self.usage - self.held

    def lot_of(self, purchase: object) -> ExpectedLot:
        return next(lot for lot in self.lots if lot.purchase == purchase)

    def has(self, purchase: object) -> bool:
        return any(lot.purchase == purchase for lot in self.lots)

    def unspent(self, wanted: ExpectedLot) -> int:
        """The part of the lot that is neither used nor on hold."""
        remaining = self.usage + self.held
        for lot in self.lots:
            if lot is wanted:
                return max(0, lot.amount - remaining)
            remaining = max(0, remaining - lot.amount)
        raise AssertionError("no such lot")

    def add(self, purchase: object | None, amount: int, kind: str) -> None:
        self.lots.append(ExpectedLot(purchase, amount, amount))
        self.entries.append((kind, amount))

    def take(self, purchase: object, amount: int, kind: str) -> None:
        """Take unspent credits from the purchase's own lot, then from the newest lots."""
        remaining = amount
        for lot in self._own_then_newest(purchase):
            part = min(remaining, self.unspent(lot))
            lot.amount -= part
            remaining -= part
        assert not remaining, f"{kind}: {remaining} of {amount} had been spent"
        self.entries.append((kind, -amount))

    def expire(self, lot: ExpectedLot, kind: str) -> None:
        """Take what is neither used nor on hold of this lot."""
        amount = self.unspent(lot)
        lot.amount -= amount
        self.entries.append((kind, -amount))

    def claw_back(self, purchase: object, amount: int, kind: str) -> None:
        """Take credits from the purchase's own lot, spent or not."""
        lot = self.lot_of(purchase)
        assert amount <= lot.amount
        lot.amount -= amount
        self.entries.append((kind, -amount))

    def restore(self, purchase: object, amount: int, kind: str) -> None:
        """Return credits to the purchase's own lot, then to the newest lots."""
        remaining = amount
        for lot in self._own_then_newest(purchase):
            part = min(remaining, lot.original - lot.amount)
            lot.amount += part
            remaining -= part
        assert not remaining, f"{kind}: more was restored than had been taken"
        self.entries.append((kind, amount))

    def _own_then_newest(self, purchase: object) -> list[ExpectedLot]:
        newest_first = self.lots[::-1]
        return sorted(newest_first, key=lambda lot: lot.purchase != purchase)
