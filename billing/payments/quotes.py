"""Quotes: the price of credits, including the platform fee."""

from dataclasses import dataclass

from django.conf import settings

from common.money import format_cents

__all__ = ["AmountRefused", "Quote", "fee_rule", "quote"]


class AmountRefused(ValueError):
    """The amount is below the minimum or above the maximum of a purchase; the message names the limit."""


@dataclass(frozen=True)
class Quote:
    """The price of credits. Amounts in cents, the fee's rate in basis points (hundredths of a percent)."""

    credit_cents: int
    fee_cents: int
    fee_basis_points: int

    @property
    def total_cents(self) -> int:
        """The price: credits plus fee."""
        return self.credit_cents + self.fee_cents


def quote(credit_cents: int, provider: str = "stripe") -> Quote:
    """The price of credits bought through this provider. AmountRefused outside the limits.

    The fee is a rate with a minimum (`settings.PURCHASE_FEES`); half a cent rounds up.
    """
    lowest, highest = settings.PURCHASE_MINIMUM_CENTS, settings.PURCHASE_MAXIMUM_CENTS
    if credit_cents < lowest:
        raise AmountRefused(f"The minimum purchase is {format_cents(lowest)}. Enter {format_cents(lowest)} or more.")
    if credit_cents > highest:
        raise AmountRefused(
            f"The maximum purchase is {format_cents(highest)}. To buy more, make several purchases or contact "
            f"{settings.SUPPORT_EMAIL}."
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
