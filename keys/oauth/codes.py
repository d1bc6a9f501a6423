"""Authorization codes: a person's consent, exchanged by an app for an API key (OAuth 2 with PKCE, RFC 7636)."""

import base64
import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import Organisation, User
from common.clock import utc_now
from common.errors import InvalidRequest, PermissionDenied
from common.money import PicoUsd
from keys import issuing
from keys.models import ApiKey, AuthorizationCode

__all__ = ["LIFETIME", "Consent", "check_challenge", "exchange", "issue"]

#: A code must be exchanged within this time.
LIFETIME = timedelta(minutes=10)
#: Codes are kept a little longer, so that an app that is late is told so.
KEPT = timedelta(days=1)
#: The characters of a verifier, and so of a plain challenge (RFC 7636, 4.1).
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{1,128}")
#: The length of a SHA-256 in base64url.
_S256_LENGTH = 43


@dataclass(frozen=True)
class Consent:
    """The key that a person agrees to give to an app. Money in pico-USD; an empty `app` has no address."""

    app: str
    name: str
    limit: PicoUsd | None = None
    limit_reset: str = ""
    expires_at: datetime | None = None
    challenge: str = ""
    challenge_method: str = AuthorizationCode.Method.S256


def check_challenge(challenge: str, method: str) -> None:
    """Raise InvalidRequest (400) for a method that does not exist, or a challenge that no verifier can meet."""
    if method not in AuthorizationCode.Method.values:
        raise InvalidRequest("Invalid code_challenge_method: use S256 or plain.")
    if not challenge:
        return
    if not _VERIFIER.fullmatch(challenge) or (method == "S256" and len(challenge) != _S256_LENGTH):
        raise InvalidRequest(
            "Invalid code_challenge: for S256 send the base64url of the verifier's SHA-256, 43 characters without =."
        )


def issue(organisation: Organisation, user: User, consent: Consent) -> tuple[AuthorizationCode, str]:
    """Return a new code's row and the code, which is stored nowhere. Deletes codes of earlier days."""
    AuthorizationCode.objects.filter(created_at__lt=utc_now() - KEPT).delete()
    code = secrets.token_urlsafe(32)
    row = AuthorizationCode.objects.create(
        hash=_hash(code),
        organisation=organisation,
        user=user,
        app=consent.app,
        challenge=consent.challenge,
        challenge_method=consent.challenge_method,
        name=consent.name,
        limit=consent.limit,
        limit_reset=consent.limit_reset,
        key_expires_at=consent.expires_at,
        created_at=utc_now(),
    )
    return row, code


@transaction.atomic
def exchange(code: str, verifier: str = "", method: str | None = None) -> tuple[ApiKey, str]:
    """Return the new key and its secret. The code is gone with it.

    Raises InvalidRequest (400) for an unknown method. Raises PermissionDenied (403) if the code does not exist, has
    been used or has expired, if the verifier does not match, or if the person has left the organization.
    """
    if method is not None and method not in AuthorizationCode.Method.values:
        raise InvalidRequest("Invalid code_challenge_method: use S256 or plain.")
    found = AuthorizationCode.objects.filter(hash=_hash(code)).select_related("user", "organisation").first()
    if found is None or not _is_met(found, verifier, method):
        raise PermissionDenied("Invalid code or code_verifier")
    now = utc_now()
    if now - found.created_at >= LIFETIME:
        raise PermissionDenied("Authorization code expired. Send the user to /auth again.")
    if not found.user.is_active or not found.organisation.memberships.filter(user=found.user).exists():
        raise PermissionDenied("The user who gave this code is no longer a member of the organization.")
    if not AuthorizationCode.objects.filter(pk=found.pk).delete()[0]:  # exchanged at the same moment
        raise PermissionDenied("Invalid code or code_verifier")
    return issuing.create(
        found.organisation,
        found.user,
        found.name,
        limit=None if found.limit is None else PicoUsd(found.limit),
        limit_reset=found.limit_reset,
        expires_at=found.key_expires_at,
        app=found.app,
    )


def _is_met(code: AuthorizationCode, verifier: str, method: str | None) -> bool:
    """Whether the verifier belongs to the code's challenge. The method is that of the challenge, whatever is sent."""
    if not code.challenge:
        return True
    if not _VERIFIER.fullmatch(verifier) or (method is not None and method != code.challenge_method):
        return False
    shown = verifier
    if code.challenge_method == AuthorizationCode.Method.S256:
        shown = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    return hmac.compare_digest(shown, code.challenge)


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode()).hexdigest()
