"""Sign-up: every new user gets a personal organization."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest

from . import access
from .models import User


class AccountAdapter(DefaultAccountAdapter):
    """Adapts django-allauth: the personal organization of a new user, and the error messages."""

    error_messages = DefaultAccountAdapter.error_messages | {
        "email_password_mismatch": "The address or the password is wrong.",
        "email_taken": "This address has an account already. Sign in, or reset its password.",
        "too_many_login_attempts": "Too many failed attempts. Wait five minutes, then try again.",
        "duplicate_email": "This address is yours already.",
        "enter_current_password": "This is not your current password.",
        "incorrect_password": "The password is wrong.",
    }

    @transaction.atomic
    def save_user(self, request: HttpRequest, user: AbstractBaseUser, form: Any, commit: bool = True) -> User:
        saved = super().save_user(request, user, form, commit)
        assert isinstance(saved, User)
        if commit:
            access.open_personal_organisation(saved)
        return saved
