"""The free allowance: once per person and once per verified email address."""

import hashlib
from typing import Any

from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed, user_signed_up
from django.conf import settings
from django.db import transaction

from accounts import access
from accounts.deletion.leaving import Leaving, account_deleted
from accounts.models import User
from billing.credits import ledger
from common import encryption
from common.money import pico_from_cents

from . import spending
from .models import CreditAccount, LedgerEntry, UsedAllowance

__all__ = ["connect_signals", "grant"]

PREFIX = "allowance:"


@transaction.atomic
def grant(user: User, email: str) -> LedgerEntry | None:
    """Grant the allowance and return its entry, or the earlier entry of this person or address.

    None if it is off, or if the owner of the address had it in an account that was deleted. The reference is a keyed
    hash of the address, so the ledger knows it again and tells it to no one.
    """
    if settings.FREE_ALLOWANCE_CENTS <= 0:
        return None
    account = spending.account_of(access.open_personal_organisation(user))
    # Lock before the check, because two addresses may be verified at the same moment.
    CreditAccount.objects.select_for_update().get(pk=account.pk)
    fingerprints = _fingerprints(email)
    if UsedAllowance.objects.filter(fingerprint__in=fingerprints).exists():
        return None
    given = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.GRANT)
    earlier = given.filter(account=account, reference__startswith=PREFIX).first()
    earlier = earlier or given.filter(reference__in=[PREFIX + each for each in fingerprints]).first()
    return earlier or ledger.add(
        account,
        pico_from_cents(settings.FREE_ALLOWANCE_CENTS),
        kind=LedgerEntry.Kind.GRANT,
        reference=PREFIX + fingerprints[0],
        note="Free allowance for a verified email address",
    )


def _fingerprints(email: str) -> list[str]:
    # Of a hash, because the ledger once knew addresses by that alone.
    return encryption.fingerprints(hashlib.sha256(_mailbox(email).encode()).hexdigest())


def _mailbox(email: str) -> str:
    # "name+anything@" reaches the same mailbox at most providers, and a mailbox gets one allowance.
    name, _, host = email.strip().lower().rpartition("@")
    return f"{name.partition('+')[0]}@{host}"


def connect_signals() -> None:
    """Grant the allowance whenever an email address is verified, here or by the site whose account signs up.

    Remember it when its account is deleted.
    """
    email_confirmed.connect(_on_email_confirmed, dispatch_uid="billing.allowance")
    user_signed_up.connect(_on_signed_up, dispatch_uid="billing.allowance.signed_up")
    account_deleted.connect(_remember, dispatch_uid="billing.allowance")


def _remember(leaving: Leaving, **_: Any) -> None:
    """Give no second allowance to any address of a person who had it: they may sign up with another one of theirs."""
    closed = LedgerEntry.objects.filter(account__organisation__in=leaving.organisations)
    if closed.filter(kind=LedgerEntry.Kind.GRANT, reference__startswith=PREFIX).exists():
        marks = [UsedAllowance(fingerprint=_fingerprints(address)[0]) for address in leaving.verified]
        UsedAllowance.objects.bulk_create(marks, ignore_conflicts=True)


def _on_email_confirmed(sender: Any, email_address: Any, **kwargs: Any) -> None:
    grant(email_address.user, email_address.email)


def _on_signed_up(sender: Any, user: User, **kwargs: Any) -> None:
    verified = EmailAddress.objects.filter(user=user, verified=True).order_by("-primary", "pk").first()
    if verified:
        grant(user, verified.email)
