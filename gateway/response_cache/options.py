"""Whether a request uses the response cache, and for how long its response is kept. Pure."""

import re
from collections.abc import Mapping

import msgspec

__all__ = ["CACHED_PATHS", "DEFAULT_TTL", "MAX_TTL", "MIN_TTL", "CacheOptions", "requested"]

#: Seconds for which a response is kept: unless the request says otherwise, at least and at most.
DEFAULT_TTL = 300
MIN_TTL = 1
MAX_TTL = 86_400

#: The paths whose responses are kept for requests that ask for it.
CACHED_PATHS = frozenset(
    f"/api/v1/{name}" for name in ("chat/completions", "completions", "embeddings", "messages", "responses")
)

_SWITCH = {"true": True, "false": False}
_LEADING_INTEGER = re.compile(r"\s*([+-]?)0*([0-9]+)")


class CacheOptions(msgspec.Struct, frozen=True):
    """The request uses the cache."""

    ttl: int = DEFAULT_TTL  # seconds
    clears: bool = False  # whether the stored response is removed first


def requested(
    headers: Mapping[str, str], *, preset_enabled: bool | None = None, preset_ttl: int | None = None
) -> CacheOptions | None:
    """The options in a request's headers (with lowercase names) and in its preset; None if it does not use the cache.

    A preset that says no decides; otherwise the header does, and the preset where there is no header. The header's TTL
    comes before the preset's, and both before DEFAULT_TTL.
    """
    header = headers.get("x-openrouter-cache")
    if header is None and not preset_enabled:
        return None
    switch = _SWITCH.get(header.strip().lower()) if header else None
    if preset_enabled is False or not (preset_enabled if switch is None else switch):
        return None
    ttl = _ttl_in(headers.get("x-openrouter-cache-ttl", ""))
    if ttl is None:
        ttl = DEFAULT_TTL if preset_ttl is None else min(MAX_TTL, max(MIN_TTL, preset_ttl))
    clears = headers.get("x-openrouter-cache-clear", "").strip().lower() == "true"
    return CacheOptions(ttl=ttl, clears=clears)


def _ttl_in(text: str) -> int | None:
    """The integer that the text begins with, within the bounds: "60abc" is 60, "1.5" is 1. None without one."""
    match = _LEADING_INTEGER.match(text)
    if match is None:
        return None
    sign, digits = match.groups()
    if sign == "-":
        return MIN_TTL
    return min(MAX_TTL, max(MIN_TTL, int(digits[:6])))
