"""What credits cost: the amount and the platform fee, before anybody pays."""

from dataclasses import dataclass

from django.conf import settings

from common.money import format_cents

__all__ = ["AmountRefused", "Quote", "fee_rule", "quote"]


class AmountRefused(ValueError):
    """Fewer or more credits than one purchase may buy; the message names the limit."""


@dataclass(frozen=True)
class Quote:
    """A price. All amounts in cents; the rate in basis points (hundredths of a percent)."""

    credit_cents: int
    fee_cents: int
    fee_basis_points: int

    @property
    def total_cents(self) -> int:
        """What the buyer pays."""
        return self.credit_cents + self.fee_cents


def quote(credit_cents: int, provider: str = "stripe") -> Quote:
    """The price of so many cents of credit through this provider. AmountRefused outside the limits.

    The fee is a rate with a minimum, `settings.PURCHASE_FEES`; half a cent rounds up.
    """
    least, most = settings.PURCHASE_MINIMUM_CENTS, settings.PURCHASE_MAXIMUM_CENTS
    if credit_cents < least:
        raise AmountRefused(f"The smallest purchase is {format_cents(least)}. Enter {format_cents(least)} or more.")
    if credit_cents > most:
        raise AmountRefused(
            f"The largest single purchase is {format_cents(most)}. Buy several times, or write to "
            f"{settings.SUPPORT_EMAIL} for more."
        )
    basis_points, minimum = settings.PURCHASE_FEES[provider]
    return Quote(
        credit_cents=credit_cents,
        fee_cents=max(minimum, (credit_cents * basis_points + 5_000) // 10_000),
        fee_basis_points=basis_points,
    )


def fee_rule(provider: str = "stripe") -> str:
    """The fee in words: "5.5%, at least $0.80"."""
    basis_points, minimum = settings.PURCHASE_FEES[provider]
    percent = f"{basis_points // 100}.{basis_points % 100:02d}".rstrip("0").rstrip(".")
    return f"{percent}%, at least {format_cents(minimum)}" if minimum else f"{percent}%"
