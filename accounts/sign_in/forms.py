"""django-allauth's forms with what they lack: limits on guessing, and equal time for equal answers."""

from typing import Any

from allauth.account import forms as account_forms
from allauth.core import context
from allauth.mfa.base import forms as mfa_forms
from allauth.mfa.webauthn import forms as webauthn_forms
from django import forms
from django.http import HttpRequest

from accounts.models import User

from . import guessing


class SignupForm(account_forms.SignupForm):
    """Sign-up that takes as long for a taken address as for a new one."""

    def try_save(self, request: HttpRequest) -> Any:
        if self.account_already_exists:
            User().set_password(self.cleaned_data["password1"])  # hashing is most of the time of a new account
        return super().try_save(request)


class ChangePasswordForm(account_forms.ChangePasswordForm):
    """Changing the password, with limits on guessing the current one in a session left open."""

    def clean_oldpassword(self) -> str:
        assert isinstance(self.user, User)
        with guessing.limited(context.request, self.user.email, guessing.Secret.PASSWORD):
            return str(super().clean_oldpassword())


class AuthenticateForm(mfa_forms.AuthenticateForm):
    """The code that follows the password at sign-in."""

    def clean_code(self) -> str:
        with guessing.limited(context.request, self.user.email, guessing.Secret.CODE):
            return str(super().clean_code())


class ReauthenticateForm(mfa_forms.ReauthenticateForm):
    """The code that confirms who uses a session."""

    def clean_code(self) -> str:
        with guessing.limited(context.request, self.user.email, guessing.Secret.CODE):
            return str(super().clean_code())


class AddPasskeyForm(webauthn_forms.AddWebAuthnForm):
    """A new passkey, which signs in alone unless its owner chooses otherwise."""

    passwordless = forms.BooleanField(
        label="Sign in with it alone, without a password",
        initial=True,
        required=False,
        help_text=(
            "Your device confirms that it's you, with your fingerprint, face, PIN or screen lock. Turn this off for a "
            "security key that has no PIN."
        ),
    )
