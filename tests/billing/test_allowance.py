"""The free allowance: once per user and address."""

import pytest
from allauth.account.models import EmailAddress
from allauth.account.signals import email_confirmed

from accounts.models import User
from billing import allowance, spending
from billing.models import LedgerEntry
from common.money import pico_from_cents


def confirm(user: User, email: str) -> None:
    address, _ = EmailAddress.objects.get_or_create(user=user, email=email, defaults={"verified": True})
    email_confirmed.send(sender=EmailAddress, request=None, email_address=address)


def credits_of(user: User) -> int:
    return spending.account_of(user.personal_organisation).credits


def test_a_verified_address_gets_the_allowance_once(charlie, settings):
    settings.FREE_ALLOWANCE_CENTS = 25
    for _ in range(2):
        confirm(charlie, "charlie@example.com")

    assert credits_of(charlie) == pico_from_cents(25)
    entry = LedgerEntry.objects.get()
    assert entry.kind == LedgerEntry.Kind.GRANT
    assert "charlie" not in entry.reference


def test_the_allowance_does_not_count_as_purchased(charlie):
    confirm(charlie, "charlie@example.com")
    assert spending.account_of(charlie.personal_organisation).purchased == 0


def test_more_addresses_of_the_same_user_get_nothing(charlie, settings):
    confirm(charlie, "charlie@example.com")
    confirm(charlie, "charles@example.com")
    assert credits_of(charlie) == pico_from_cents(settings.FREE_ALLOWANCE_CENTS)


@pytest.mark.parametrize("spelling", ["charlie@example.com", "Charlie@Example.com", " charlie+again@example.com"])
def test_the_same_address_in_a_new_account_gets_nothing(alice, charlie, spelling):
    allowance.grant(charlie, "charlie@example.com")
    assert allowance.grant(alice, spelling) is not None
    assert credits_of(alice) == 0
    assert LedgerEntry.objects.count() == 1


def test_no_allowance_is_granted_when_it_is_off(charlie, settings):
    settings.FREE_ALLOWANCE_CENTS = 0
    confirm(charlie, "charlie@example.com")
    assert credits_of(charlie) == 0
