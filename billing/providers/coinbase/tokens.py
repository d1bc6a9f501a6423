"""Bearer tokens: each request carries a JWT that is signed for it alone and lives for two minutes."""

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

from billing.providers.types import KeyRefused

__all__ = ["bearer"]

#: Seconds that a token is valid; the provider takes no longer ones.
LASTS = 120


def bearer(key_id: str, secret: str, method: str, address: str) -> str:
    """A token for one request, such as "POST" to "business.coinbase.com/api/v1/checkouts".

    The secret is one of the two kinds that the provider hands out: Ed25519, as 64 bytes in base64 (the seed and the
    public key), or ECDSA on P-256, as PEM, its line ends perhaps written as \\n. KeyRefused when it is neither.
    """
    key = _key(secret)
    now = int(time.time())
    request = f"{method} {address}"
    header = {
        "alg": "EdDSA" if isinstance(key, Ed25519PrivateKey) else "ES256",
        "kid": key_id,
        "typ": "JWT",
        "nonce": secrets.token_hex(16),
    }
    # The provider's own libraries name the request in one claim or in the other.
    claims = {"sub": key_id, "iss": "cdp", "nbf": now, "exp": now + LASTS, "uri": request, "uris": [request]}
    text = f"{_json(header)}.{_json(claims)}"
    return f"{text}.{_encoded(_signed(key, text.encode()))}"


def _key(secret: str) -> Ed25519PrivateKey | ec.EllipticCurvePrivateKey:
    try:
        if "BEGIN" in secret:
            key = load_pem_private_key(secret.replace("\\n", "\n").encode(), None)
            if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
                return key
        elif len(raw := base64.b64decode(secret, validate=True)) == 64:
            return Ed25519PrivateKey.from_private_bytes(raw[:32])
    except (ValueError, TypeError, binascii.Error, UnsupportedAlgorithm):
        pass
    raise KeyRefused(
        "COINBASE_API_KEY_SECRET is not a key. Copy the whole secret from the page on which the key was made."
    ) from None


def _signed(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey, text: bytes) -> bytes:
    if isinstance(key, Ed25519PrivateKey):
        return key.sign(text)
    r, s = decode_dss_signature(key.sign(text, ec.ECDSA(SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _json(part: dict[str, Any]) -> str:
    return _encoded(json.dumps(part, separators=(",", ":")).encode())


def _encoded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
