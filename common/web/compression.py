"""Which compression a response may have: HTTP's content negotiation, and the two codings that this site offers."""

import gzip

import brotli

__all__ = ["MIN_BYTES", "compress", "negotiate"]

#: Smaller bodies fit into one packet anyway.
MIN_BYTES = 1024
#: Best first: between codings that the client likes equally, the first wins.
OFFERED = ("br", "gzip")
#: The longest header that is read. Browsers send some 30 characters.
MAX_HEADER = 500


def negotiate(accept_encoding: str) -> str:
    """Return "br", "gzip", or an empty string when the client accepts neither or prefers no compression.

    A malformed weight counts as a refusal.
    """
    weights: dict[str, float] = {}
    for item in accept_encoding[:MAX_HEADER].lower().split(","):
        coding, _, parameters = item.partition(";")
        if coding.strip():
            weights[coding.strip()] = _weight(parameters)
    others = weights.get("*", 0.0)
    liked = {coding: weights.get(coding, others) for coding in OFFERED}
    best = max(OFFERED, key=lambda coding: liked[coding])
    return best if liked[best] > 0 and liked[best] >= weights.get("identity", 0.0) else ""


def compress(body: bytes, coding: str) -> bytes:
    """Return the compressed body. On HTML, brotli's quality 5 takes as long as gzip's 6 and is a tenth smaller."""
    return brotli.compress(body, quality=5) if coding == "br" else gzip.compress(body, 6, mtime=0)


def _weight(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    if not name.strip():
        return 1.0
    try:
        weight = float(value)
    except ValueError:
        return 0.0
    return weight if name.strip() == "q" and 0 <= weight <= 1 else 0.0
