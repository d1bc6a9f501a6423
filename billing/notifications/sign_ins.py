"""The email about a sign-in with a new browser, which its reader can turn off, unlike other security emails."""

from collections.abc import Mapping
from typing import Any

from accounts import access
from accounts.models import User
from accounts.sign_in.signals import new_browser
from billing.models import CreditAccount

from . import emails

__all__ = ["connect_signals"]


def connect_signals() -> None:
    """Report sign-ins with new browsers."""
    new_browser.connect(_on_new_browser, dispatch_uid="billing.sign-ins")


def _on_new_browser(user: User, seen: Mapping[str, str], **_: Any) -> None:
    account, _created = CreditAccount.objects.get_or_create(organisation=access.open_personal_organisation(user))
    emails.signed_in(account, user, seen)
