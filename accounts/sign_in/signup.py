"""How django-allauth signs people up and in here."""

from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress
from allauth.account.signals import password_reset
from allauth.account.utils import has_verified_email
from allauth.core.internal import ratelimit
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.core.mail import EmailMessage
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from accounts import access, reader
from accounts.models import User
from accounts.organisations import invitations
from common.email import mail

from . import guessing, known_browsers

#: Emails that a stranger can cause by typing an address.
UNASKED_MAILS = {
    "account/email/account_already_exists",
    "account/email/password_reset_key",
    "account/email/unknown_account",
}

WAYS_TO_CONFIRM = {
    "reauthenticate": "Use your password",
    "mfa_reauthenticate": "Use a code",
    "mfa_reauthenticate:webauthn": "Use a passkey",
}


class AccountAdapter(DefaultAccountAdapter):
    """Adapts django-allauth: personal organizations, limits on guessing, and answers that tell no one's account."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": "Incorrect email or password.",
        "email_password_mismatch_or_unverified": (
            "Incorrect email or password. If you've just signed up, first open the link that we emailed you."
        ),
        "email_taken": "This email already has an account. Sign in or reset the password.",
        "too_many_login_attempts": "Too many failed attempts. Wait a few minutes, or reset your password.",
        "duplicate_email": "You already added this email.",
        "enter_current_password": "Incorrect current password.",
        "incorrect_password": "Incorrect password.",
    }

    def render_mail(self, *args: Any, **options: Any) -> EmailMessage:
        return mail.with_html(super().render_mail(*args, **options))

    @transaction.atomic
    def save_user(self, request: HttpRequest, user: AbstractBaseUser, form: Any, commit: bool = True) -> User:
        saved = super().save_user(request, user, form, commit)
        assert isinstance(saved, User)
        if commit:
            access.open_personal_organisation(saved)
        return saved

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        """Return the user, or None. Raises ValidationError after too many failures.

        Where addresses must be verified, the right password of an unverified one is answered like a wrong password:
        otherwise a sign-up followed by a sign-in would tell whether the address had an account before.
        """
        email = str(credentials.get("email", ""))
        attempt = guessing.begin(request, email, guessing.Secret.PASSWORD)
        user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        if user and (request.user.is_authenticated or not _must_verify(user, email)):
            attempt.succeeded()
            return user
        attempt.failed()
        return None

    def validation_error(self, code: str, *args: Any) -> ValidationError:
        if code == "email_password_mismatch" and _verification_is_mandatory():
            code = "email_password_mismatch_or_unverified"
        return super().validation_error(code, *args)

    def get_reauthentication_methods(self, user: Any) -> list[dict[str, Any]]:
        return [way | {"description": WAYS_TO_CONFIRM[way["id"]]} for way in super().get_reauthentication_methods(user)]

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **options: Any) -> HttpResponse:
        response = super().post_login(request, user, **options)
        assert isinstance(user, User)
        known_browsers.greet(request, response, user, is_new_user=options["signup"])
        return response

    def get_email_verification_redirect_url(self, email_address: EmailAddress) -> str:
        """Lead a user whom an organization has invited to the page where they accept."""
        if self.request.user == email_address.user and invitations.for_user(email_address.user):
            return reverse("accounts:organization")
        return str(super().get_email_verification_redirect_url(email_address))

    def send_notification_mail(self, template_prefix: str, user: AbstractBaseUser, *args: Any, **options: Any) -> None:
        with reader.reading(user if isinstance(user, User) else None):
            super().send_notification_mail(template_prefix, user, *args, **options)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        if template_prefix in UNASKED_MAILS and not ratelimit.consume(
            self.request, app=guessing.APP, action="unasked_mail", key=email.lower()
        ):
            return  # the links in the earlier ones still work
        super().send_mail(template_prefix, email, context)


def _verification_is_mandatory() -> bool:
    return bool(app_settings.EMAIL_VERIFICATION == app_settings.EmailVerificationMethod.MANDATORY)


def _must_verify(user: AbstractBaseUser, email: str) -> bool:
    return _verification_is_mandatory() and not has_verified_email(user, email)


def connect_signals() -> None:
    """Act on completed password resets."""
    password_reset.connect(_on_password_reset, dispatch_uid="accounts.sign_in.signup")


def _on_password_reset(request: HttpRequest, user: User, **_: Any) -> None:
    """Forget failed guesses. The link reached the user's mailbox, so their only address is verified by it."""
    addresses = list(EmailAddress.objects.filter(user=user)) or [EmailAddress(user=user, email=user.email)]
    for email in {user.email, *(address.email for address in addresses)}:
        guessing.clear(request, email)
        ratelimit.clear(request, app=guessing.APP, action="unasked_mail", key=email.lower())
    if len(addresses) == 1 and addresses[0].email == user.email and not addresses[0].verified:
        AccountAdapter().confirm_email(request, addresses[0])
