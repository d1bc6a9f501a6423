"""Public identifiers: a prefix with the kind of the object, and an unguessable random part."""

import os
import secrets
import time
from collections import deque

__all__ = ["generation_id", "generation_id_of", "public_id", "request_id", "response_id"]

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

#: Random hexadecimal digits that wait to be used: asking the kernel takes longer than planning a request.
_random: deque[str] = deque()
_DIGITS, _AT_ONCE = 24, 256
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_random.clear)  # parent and child would use the same


def public_id(prefix: str) -> str:
    """Return `prefix_` and 24 random letters and digits (142 bits)."""
    return f"{prefix}_" + "".join(secrets.choice(_ALPHABET) for _ in range(24))


def generation_id(now: float | None = None) -> str:
    """Return `gen-<Unix seconds>-<20 hexadecimal digits>`. IDs sort by time, which keeps their index compact."""
    return f"gen-{int(now if now is not None else time.time())}-{request_id()[:20]}"


def request_id() -> str:
    """Return 24 random hexadecimal digits."""
    try:
        return _random.pop()
    except IndexError:
        digits = secrets.token_hex(_DIGITS * _AT_ONCE // 2)
        first, *others = (digits[at : at + _DIGITS] for at in range(0, len(digits), _DIGITS))
        _random.extend(others)
        return first


def response_id(generation: str) -> str:
    """Return the ID that this generation has in the Responses API, whose IDs begin with `resp_`."""
    return "resp_" + generation.removeprefix("gen-")


def generation_id_of(name: str) -> str:
    """Return the generation ID in a text that is one or its `response_id`; any other text as it is."""
    return "gen-" + name.removeprefix("resp_") if name.startswith("resp_") else name
