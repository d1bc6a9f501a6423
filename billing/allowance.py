"""The free allowance: once per person and once per verified email address."""

import hashlib
from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed, user_signed_up
from django.conf import settings
from django.db import transaction

from accounts import access
from accounts.models import User
from billing.credits import ledger
from common.money import pico_from_cents

from . import spending
from .models import CreditAccount, LedgerEntry

__all__ = ["connect_signals", "grant"]

PREFIX = "allowance:"


@transaction.atomic
def grant(user: User, email: str) -> LedgerEntry | None:
    """Grant the allowance and return its entry, or the earlier entry of this person or address. None if it is off.

    The reference is a hash of the address, so an account that is deleted and created again gets nothing either.
    """
    if settings.FREE_ALLOWANCE_CENTS <= 0:
        return None
    account = spending.account_of(access.open_personal_organisation(user))
    # Lock before the check, because two addresses may be verified at the same moment.
    CreditAccount.objects.select_for_update().get(pk=account.pk)
    earlier = LedgerEntry.objects.filter(account=account, kind=LedgerEntry.Kind.GRANT, reference__startswith=PREFIX)
    return earlier.first() or ledger.add(
        account,
        pico_from_cents(settings.FREE_ALLOWANCE_CENTS),
        kind=LedgerEntry.Kind.GRANT,
        reference=PREFIX + hashlib.sha256(_mailbox(email).encode()).hexdigest(),
        note="Free allowance for a verified email address",
    )


def _mailbox(email: str) -> str:
    # "name+anything@" reaches the same mailbox at most providers, and a mailbox gets one allowance.
    name, _, host = email.strip().lower().rpartition("@")
    return f"{name.partition('+')[0]}@{host}"


def connect_signals() -> None:
    """Grant the allowance whenever an email address is verified, here or by the site whose account signs up."""
    email_confirmed.connect(_on_email_confirmed, dispatch_uid="billing.allowance")
    user_signed_up.connect(_on_signed_up, dispatch_uid="billing.allowance.signed_up")


def _on_email_confirmed(sender: Any, email_address: Any, **kwargs: Any) -> None:
    grant(email_address.user, email_address.email)


def _on_signed_up(sender: Any, user: User, **kwargs: Any) -> None:
    verified = EmailAddress.objects.filter(user=user, verified=True).order_by("-primary", "pk").first()
    if verified:
        grant(user, verified.email)
