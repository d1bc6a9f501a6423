"""Names and encryption of stored responses, both with keys that are derived from the caller's API key.

The site keeps only a hash of an API key, so its operators can neither read a stored response nor test a guess about a
request against the stored names; and a response stored for one key does not exist for another.
"""

import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["Sealing"]

_NONCE_BYTES = 12


class Sealing:
    """Names and encrypts the responses of one API key: HMAC-SHA256 and AES-256-GCM, with keys by HKDF-SHA256."""

    def __init__(self, secret: str) -> None:
        derive = HKDF(algorithm=SHA256(), length=64, salt=None, info=b"response cache, version 1")
        derived = derive.derive(secret.encode())
        self._naming_key = derived[:32]
        self._cipher = AESGCM(derived[32:])

    def name(self, *parts: bytes) -> str:
        """The name, in hexadecimal, of what these parts identify. Other parts, or another key, give another name."""
        digest = hmac.new(self._naming_key, digestmod=hashlib.sha256)
        for part in parts:
            digest.update(len(part).to_bytes(8) + part)
        return digest.hexdigest()

    def seal(self, name: str, content: bytes) -> bytes:
        """The content encrypted, readable only under this name."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, content, name.encode())

    def open(self, name: str, sealed: bytes) -> bytes | None:
        """The content that was sealed under this name; None if it is another's or damaged."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], name.encode())
        except (InvalidTag, ValueError):
            return None
