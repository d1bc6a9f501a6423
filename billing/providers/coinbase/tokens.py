"""Bearer tokens: a JWT signed for one request, valid for two minutes."""

import base64
import binascii
import json
import secrets
import time
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from billing.providers.types import CredentialsRejected

__all__ = ["bearer_token"]

#: Validity of a token in seconds. The provider accepts no more.
LIFETIME = 120


def bearer_token(key_id: str, secret: str, method: str, address: str) -> str:
    """A token for one request, for example "POST" to "business.coinbase.com/api/v1/checkouts".

    The provider issues two kinds of secrets: Ed25519 as 64 bytes in base64 (the seed and the public key), and ECDSA
    on P-256 as PEM, possibly with line breaks written as \\n. CredentialsRejected if `secret` is neither.
    """
    key = _load_key(secret)
    now = int(time.time())
    request = f"{method} {address}"
    header = {
        "alg": "EdDSA" if isinstance(key, Ed25519PrivateKey) else "ES256",
        "kid": key_id,
        "typ": "JWT",
        "nonce": secrets.token_hex(16),
    }
    # Some of the provider's own libraries use `uri`, others `uris`.
    claims = {"sub": key_id, "iss": "cdp", "nbf": now, "exp": now + LIFETIME, "uri": request, "uris": [request]}
    text = f"{_encode_json(header)}.{_encode_json(claims)}"
    return f"{text}.{_encode(_sign(key, text.encode()))}"


def _load_key(secret: str) -> Ed25519PrivateKey | ec.EllipticCurvePrivateKey:
    try:
        if "BEGIN" in secret:
            key = load_pem_private_key(secret.replace("\\n", "\n").encode(), None)
            if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
                return key
        elif len(raw := base64.b64decode(secret, validate=True)) == 64:
            return Ed25519PrivateKey.from_private_bytes(raw[:32])
    except (ValueError, TypeError, binascii.Error, UnsupportedAlgorithm):
        pass
    raise CredentialsRejected(
        "COINBASE_API_KEY_SECRET is not a key. Copy the whole secret from the page on which the key was created."
    ) from None


def _sign(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey, text: bytes) -> bytes:
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(text)
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _encode_json(part: dict[str, Any]) -> str:
    return _encode(json.dumps(part, separators=(",", ":")).encode())


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
