"""Bearer tokens: JWTs that a shop signs for each request, with a key of which the sandbox knows the public half.

The development key is derived from a text in this file, so every machine has it and it is no secret. A key
in a real account has the same form: an id, and 64 bytes in base64, the seed and the public key.
"""

import base64
import binascii
import hashlib
import json
import time
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from .errors import unauthorized

KEY_ID = "organizations/sandbox/apiKeys/development"
REAL_HOST = "business.coinbase.com"
_SEED = hashlib.sha256(b"the development key of the crypto payments sandbox").digest()
_KEY = Ed25519PrivateKey.from_private_bytes(_SEED)
_LONGEST = 120  # seconds that a token may be valid
_LEEWAY = 10  # seconds that two clocks may differ


def development_secret() -> str:
    """The secret of the development key, as a shop is configured with it."""
    return base64.b64encode(_SEED + _KEY.public_key().public_bytes_raw()).decode()


def check(authorization: str, method: str, host: str, path: str) -> None:
    """Raises ApiError unless the header carries a fresh token, signed for exactly this request."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise unauthorized("Send a bearer token in the Authorization header.")
    header, claims = _verified(token)
    if header.get("kid") != KEY_ID or claims.get("sub") != KEY_ID:
        raise unauthorized(f"The sandbox knows only the key {KEY_ID}.")
    if claims.get("iss") != "cdp":
        raise unauthorized("The token's issuer must be cdp.")
    now = time.time()
    starts, ends = claims.get("nbf"), claims.get("exp")
    if not isinstance(starts, int) or not isinstance(ends, int):
        raise unauthorized("The token needs nbf and exp, in whole seconds.")
    if not starts - _LEEWAY <= now <= ends + _LEEWAY:
        raise unauthorized("The token is not valid now: it has expired, or its clock is ahead.")
    if ends - starts > _LONGEST:
        raise unauthorized(f"A token is valid for {_LONGEST} seconds at most.")
    meant = claims.get("uris") or [claims.get("uri")]
    if not {f"{method} {name}{path}" for name in (host, REAL_HOST)} & set(map(str, meant)):
        raise unauthorized(f"The token is for {meant}, not for {method} {host}{path}.")


def _verified(token: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Header and claims of a token whose signature is right."""
    try:
        encoded_header, encoded_claims, encoded_signature = token.split(".")
        header, claims = json.loads(_decoded(encoded_header)), json.loads(_decoded(encoded_claims))
        signature = _decoded(encoded_signature)
    except (ValueError, binascii.Error) as error:
        raise unauthorized("That is not a token.") from error
    if not isinstance(header, dict) or not isinstance(claims, dict) or header.get("alg") != "EdDSA":
        raise unauthorized("The sandbox takes EdDSA tokens only.")
    try:
        _KEY.public_key().verify(signature, f"{encoded_header}.{encoded_claims}".encode())
    except InvalidSignature as error:
        raise unauthorized("The token's signature is wrong.") from error
    return header, claims


def _decoded(part: str) -> bytes:
    return base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
