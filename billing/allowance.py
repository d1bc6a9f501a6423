"""The small free allowance: once per person, and once per verified e-mail address."""

import hashlib
from typing import Any

from allauth.account.signals import email_confirmed
from django.conf import settings
from django.db import transaction

from accounts import access
from accounts.models import User
from billing.credits import ledger
from common.money import pico_from_cents

from . import spending
from .models import CreditAccount, LedgerEntry

__all__ = ["grant", "listen"]

PREFIX = "allowance:"


@transaction.atomic
def grant(user: User, email: str) -> LedgerEntry | None:
    """The entry that gave this person, or this address, its allowance; None when the allowance is switched off.

    A second address of the same person earns nothing. The reference is the address's hash, so that deleting and
    remaking an account earns nothing either.
    """
    if settings.FREE_ALLOWANCE_CENTS <= 0:
        return None
    account = spending.account_of(access.open_personal_organisation(user))
    # Locked before looking: two addresses may be verified at the same moment.
    CreditAccount.objects.select_for_update().get(pk=account.pk)
    given = LedgerEntry.objects.filter(account=account, kind=LedgerEntry.Kind.GRANT, reference__startswith=PREFIX)
    return given.first() or ledger.add(
        account,
        pico_from_cents(settings.FREE_ALLOWANCE_CENTS),
        kind=LedgerEntry.Kind.GRANT,
        reference=PREFIX + hashlib.sha256(_mailbox(email).encode()).hexdigest(),
        note="Free allowance for a verified e-mail address",
    )


def _mailbox(email: str) -> str:
    # "name+anything@" reaches the same mailbox with most providers: one mailbox earns once.
    name, _, host = email.strip().lower().rpartition("@")
    return f"{name.partition('+')[0]}@{host}"


def listen() -> None:
    """Grant the allowance when an address is verified."""
    email_confirmed.connect(_on_email_confirmed, dispatch_uid="billing.allowance")


def _on_email_confirmed(sender: Any, email_address: Any, **kwargs: Any) -> None:
    grant(email_address.user, email_address.email)
