"""The second factor of signing in: an authenticator app, passkeys and recovery codes, kept by django-allauth."""

from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.http import HttpRequest

from accounts.models import User
from common import encryption

__all__ = ["MFAAdapter", "connect_signals", "kinds_of", "rotate", "was_used"]

Kind = Authenticator.Type


class MFAAdapter(DefaultMFAAdapter):
    """Adapts django-allauth: secrets are encrypted in the database, and texts are ours."""

    error_messages = DefaultMFAAdapter.error_messages | {
        "add_email_blocked": (
            "Turn off two-factor authentication and passkeys before you add an email address. You can turn them on "
            "again once it is verified."
        ),
        "unverified_email": "Verify your email addresses before you turn on two-factor authentication.",
        "incorrect_code": "Incorrect code. Enter the newest one.",
        "unreadable": (
            "This site's encryption key has changed, so codes can't be checked. Use a passkey, or ask an operator to "
            "list the former key in ENCRYPTION_KEY."
        ),
    }

    def encrypt(self, text: str) -> str:
        return encryption.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return encryption.decrypt(encrypted_text)
        except encryption.Undecryptable as error:
            refusal = self.validation_error("unreadable")
            refusal.silent_variable_failure = True  # type: ignore[attr-defined]  # pages show no number of codes
            raise refusal from error

    def get_totp_issuer(self) -> str:
        return str(settings.SITE_NAME)

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        return super().get_public_key_credential_rp_entity() | {"name": settings.SITE_NAME}

    def generate_authenticator_name(self, user: AbstractBaseUser, type: Kind) -> str:  # noqa: A002 allauth's name
        return f"Passkey {Authenticator.objects.filter(user_id=user.pk, type=type).count() + 1}"


def kinds_of(user: User) -> set[str]:
    """Return the kinds of second factor that the user has set up: "totp", "webauthn". Recovery codes don't count."""
    own = Authenticator.objects.filter(user=user).exclude(type=Kind.RECOVERY_CODES)
    return set(own.values_list("type", flat=True))


def was_used(request: HttpRequest) -> bool:
    """Return whether the user of this session has a second factor and has used one in it."""
    user = request.user
    if not isinstance(user, User):
        return False
    used = any(record["method"] == "mfa" for record in get_authentication_records(request, user))
    return used and bool(kinds_of(user))


def rotate() -> list[str]:
    """Encrypt all secrets again with the newest key. Return the addresses of users whose secrets can't be read."""
    lost = []
    for row in Authenticator.objects.select_for_update().exclude(type=Kind.WEBAUTHN).select_related("user"):
        name = "secret" if row.type == Kind.TOTP else "seed"
        try:
            row.data[name] = encryption.rotate(row.data[name])
        except encryption.Undecryptable:
            lost.append(row.user.email)
        else:
            row.save(update_fields=["data"])
    return sorted(set(lost))


def connect_signals() -> None:
    """Count setting up a second factor as using it: it asks for a code or a passkey."""
    authenticator_added.connect(_on_added, dispatch_uid="accounts.sign_in.second_factor")


def _on_added(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    if authenticator.type != Kind.RECOVERY_CODES:
        record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type)
