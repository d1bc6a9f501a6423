"""The state of one part of the installation, and the words that several of them need."""

from dataclasses import dataclass
from datetime import datetime

from common.clock import utc_now

__all__ = ["FAILING", "MISSING", "OK", "SIMULATED", "UNKNOWN", "Check", "ago", "many"]

OK, SIMULATED, MISSING, FAILING, UNKNOWN = "ok", "simulated", "missing", "failing", "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One part of the site: its state, a sentence about it, what to do if anything, and a page of the admin."""

    name: str
    state: str  # OK, SIMULATED, MISSING, FAILING or UNKNOWN
    detail: str
    remedy: str = ""
    url: str = ""

    @property
    def label(self) -> str:
        """The state as a word for people."""
        return "OK" if self.state == OK else self.state.capitalize()


def many(count: int, one: str, plural: str = "") -> str:
    """A count with its noun: "1 email", "2,000 emails". Without `plural`, an s is appended."""
    return f"{count:,} {one if count == 1 else plural or f'{one}s'}"


def ago(moment: datetime) -> str:
    """How long ago a moment was, in minutes, hours or days."""
    minutes = max(0, int((utc_now() - moment).total_seconds() // 60))
    if minutes < 2:
        return "just now"
    if minutes < 120:
        return f"{minutes} minutes ago"
    return f"{minutes // 60} hours ago" if minutes < 48 * 60 else f"{minutes // 1440} days ago"
