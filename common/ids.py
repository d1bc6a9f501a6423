"""Public identifiers: a prefix that says what the thing is, and enough randomness to be unguessable."""

import secrets
import time

__all__ = ["generation_id", "public_id"]

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def public_id(prefix: str) -> str:
    """`prefix_` and 24 letters and digits (142 bits)."""
    return f"{prefix}_" + "".join(secrets.choice(_ALPHABET) for _ in range(24))


def generation_id(now: float | None = None) -> str:
    """`gen-<unix seconds>-<20 letters and digits>`: ids sort by time, so their index stays compact."""
    return f"gen-{int(now if now is not None else time.time())}-{secrets.token_hex(10)}"
