"""Sign-up: every new user gets a personal organization."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.models import AbstractBaseUser
from django.core.mail import EmailMessage
from django.db import transaction
from django.http import HttpRequest

from common import mail

from . import access
from .models import User


class AccountAdapter(DefaultAccountAdapter):
    """Adapts django-allauth: the personal organization of a new user, and the error messages."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": "Incorrect email or password.",
        "email_taken": "This email already has an account. Sign in or reset the password.",
        "too_many_login_attempts": "Too many failed attempts. Wait five minutes, then try again.",
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
