"""Identifiers that look like Stripe's: a prefix naming the kind, then letters and digits."""

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits
# The first of the characters after the prefix, and their number.
_SHAPES = {
    "acct": ("1", 16),
    "cs_test": ("a1", 58),
    "cus": ("", 14),
    "prod": ("", 14),
    "req": ("", 14),
    "ch": ("3", 24),
    "pi": ("3", 24),
    "py": ("3", 24),
    "re": ("3", 24),
    "pyr": ("1", 24),
    "txn": ("3", 24),
}


def new(prefix: str) -> str:
    """A fresh identifier of the kind that the prefix names, as in `pi_3...`."""
    start, length = _SHAPES.get(prefix, ("1", 24))
    return f"{prefix}_{start}{random_text(length - len(start))}"


def random_text(length: int) -> str:
    """Letters and digits that cannot be guessed."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def client_secret(identifier: str) -> str:
    """The secret with which a browser would act on this intent."""
    return f"{identifier}_secret_{random_text(25)}"
