"""Public identifiers: a prefix with the kind of the object, and an unguessable random part."""

import secrets
import time

__all__ = ["generation_id", "generation_id_of", "public_id", "response_id"]

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def public_id(prefix: str) -> str:
    """Return `prefix_` and 24 random letters and digits (142 bits)."""
    return f"{prefix}_" + "".join(secrets.choice(_ALPHABET) for _ in range(24))


def generation_id(now: float | None = None) -> str:
    """Return `gen-<Unix seconds>-<20 hexadecimal digits>`. IDs sort by time, which keeps their index compact."""
    return f"gen-{int(now if now is not None else time.time())}-{secrets.token_hex(10)}"


def response_id(generation: str) -> str:
    """Return the ID that this generation has in the Responses API, whose IDs begin with `resp_`."""
    return "resp_" + generation.removeprefix("gen-")


def generation_id_of(name: str) -> str:
    """Return the generation ID in a text that is one or its `response_id`; any other text as it is."""
    return "gen-" + name.removeprefix("resp_") if name.startswith("resp_") else name
