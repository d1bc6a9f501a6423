"""Secrets that the site must be able to read again, such as providers' keys, encrypted at rest.

Fernet (AES-128-CBC and HMAC-SHA256) with keys derived from `ENCRYPTION_KEY`, newest first, then from `SECRET_KEY`, so
that a value written before `ENCRYPTION_KEY` was set, or with an older one of its keys, can still be read.
"""

import base64
import hashlib
import hmac
from functools import lru_cache

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

__all__ = [
    "Undecryptable",
    "decrypt",
    "decrypt_bytes",
    "encrypt",
    "encrypt_bytes",
    "fingerprints",
    "rotate",
    "rotate_bytes",
]

_ENCRYPTION = b"encryption at rest, version 1"
_FINGERPRINTS = b"fingerprints, version 1"


class Undecryptable(Exception):
    """The value was encrypted with a key that is no longer configured, or it was damaged."""

    def __init__(self) -> None:
        super().__init__("encrypted with a key that is no longer in ENCRYPTION_KEY, or damaged")


def encrypt(text: str) -> str:
    """Return the text, encrypted with the newest key."""
    return encrypt_bytes(text.encode()).decode()


def encrypt_bytes(content: bytes) -> bytes:
    """Return the bytes, encrypted with the newest key."""
    return _fernet().encrypt(content)


def decrypt(token: str) -> str:
    """Return the text that `encrypt` was given. Raises Undecryptable."""
    return decrypt_bytes(token.encode()).decode()


def decrypt_bytes(token: bytes) -> bytes:
    """Return the bytes that `encrypt_bytes` was given. Raises Undecryptable."""
    try:
        return _fernet().decrypt(token)
    except InvalidToken:
        raise Undecryptable from None


def rotate(token: str) -> str:
    """Return the value encrypted again with the newest key. Raises Undecryptable."""
    return rotate_bytes(token.encode()).decode()


def rotate_bytes(token: bytes) -> bytes:
    """Return the bytes encrypted again with the newest key. Raises Undecryptable."""
    try:
        return _fernet().rotate(token)
    except InvalidToken:
        raise Undecryptable from None


def fingerprints(text: str) -> list[str]:
    """Return keyed hashes by which a text is recognized and not read: HMAC-SHA256 in hexadecimal, 64 digits.

    Store the first, which is made with `SECRET_KEY`. What was stored earlier may be any of them: a former `SECRET_KEY`
    is in `ENCRYPTION_KEY`, so that what was encrypted with it can be read.
    """
    known = (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS, *settings.ENCRYPTION_KEYS)
    keys = [_derived(str(each), _FINGERPRINTS) for each in known]
    return [hmac.new(key, text.encode(), hashlib.sha256).hexdigest() for key in keys]


def _fernet() -> MultiFernet:
    return _of((*settings.ENCRYPTION_KEYS, settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=4)
def _of(secrets: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derived(secret)) for secret in secrets])


def _derived(secret: str, label: bytes = _ENCRYPTION) -> bytes:
    # Labels of their own: signatures made with SECRET_KEY must not share a key with these.
    derive = HKDF(algorithm=SHA256(), length=32, salt=None, info=label)
    return base64.urlsafe_b64encode(derive.derive(secret.encode()))
