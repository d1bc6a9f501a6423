"""Numbers formatted for people."""

from decimal import Decimal

from common.money import PICO_PER_USD, PicoUsd, format_usd

__all__ = ["change", "compact", "seconds", "short_dollars"]

_SIZES = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "K"))


def compact(count: int) -> str:
    """Return a count in at most four characters and a letter: "999", "12.3K", "4.5M"."""
    for size, letter in _SIZES:
        if count >= size:
            tenths = (10 * count + size // 2) // size
            if tenths >= 1000 or tenths % 10 == 0:
                return f"{(count + size // 2) // size}{letter}"
            return f"{tenths // 10}.{tenths % 10}{letter}"
    return str(count)


def short_dollars(pico: int) -> str:
    """Return a tick of a value axis, which is a round amount: "$0", "$0.05", "$12", "$3.5K"."""
    dollars = pico // PICO_PER_USD
    return f"${compact(dollars)}" if dollars >= 1000 else format_usd(PicoUsd(pico)).removesuffix(".00")


def seconds(milliseconds: int | None) -> str:
    """ "0.84 s" from 840; a dash for None."""
    if milliseconds is None:
        return "–"
    if milliseconds >= 100_000:
        return f"{milliseconds // 1000:,} s"
    return f"{Decimal(milliseconds).scaleb(-3):.{2 if milliseconds < 10_000 else 1}f} s"


def change(now: int, before: int) -> str:
    """Return the change from before: "+12%", "−3%", "12×"; "new" after nothing, empty without any."""
    if not before:
        return "new" if now else ""
    if now >= before * 10:
        return f"{compact(now // before)}×"
    percent = round((Decimal(now) - before) * 100 / before)
    if percent == 0:
        return "±0%"
    return f"{'+' if percent > 0 else '−'}{abs(percent)}%"
