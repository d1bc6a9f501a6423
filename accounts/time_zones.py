"""The time zones that a user can choose: names of the IANA database as this machine knows it."""

from functools import cache
from zoneinfo import available_timezones

__all__ = ["find", "offered"]

#: The areas of the database whose zones are places. Other names are aliases or fixed offsets.
_AREAS = (
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
)
#: Not zones: how the machine itself is set up, and a placeholder.
_NOT_ZONES = {"Factory", "localtime", "posixrules"}
_UTC = {"utc", "etc/utc", "uct", "etc/uct", "universal", "etc/universal", "zulu", "etc/zulu"}


def find(text: str) -> str | None:
    """Return the zone's name for what was typed ("europe/berlin", "America/New York"), "" for UTC, None if unknown."""
    typed = text.strip().replace(" ", "_").lower()
    return "" if not typed or typed in _UTC else _known().get(typed)


@cache
def offered() -> tuple[str, ...]:
    """Return the names of the zones that are places, sorted, after "UTC"."""
    return ("UTC", *sorted(name for name in _known().values() if name.partition("/")[0] in _AREAS))


@cache
def _known() -> dict[str, str]:
    """All names by their lowercase spelling."""
    return {name.lower(): name for name in available_timezones() - _NOT_ZONES}
