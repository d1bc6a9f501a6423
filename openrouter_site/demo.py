"""The demo account: a verified user with keys and a given balance."""

import secrets
from decimal import Decimal

from allauth.account.models import EmailAddress

from accounts import access
from accounts.models import User
from billing import spending
from billing.credits import ledger
from billing.models import CreditAccount, LedgerEntry
from common.money import PicoUsd, as_usd, pico_from_usd
from keys import issuing
from keys.models import ApiKey

__all__ = ["make_demo_account"]


def make_demo_account(email: str, usd: Decimal, *, password: str) -> dict[str, str]:
    """Return `{"email", "password", "api_key", "management_key", "balance"}` of a usable account.

    An existing one gets the new password and new keys in place of its old demo keys, and one ledger entry that
    brings its balance to `usd` dollars.
    """
    user = User.objects.filter(email__iexact=email).first() or User.objects.create_user(email)
    user.set_password(password)
    user.is_active = True
    user.save()
    EmailAddress.objects.update_or_create(user=user, email=user.email, defaults={"verified": True, "primary": True})
    organisation = access.open_personal_organisation(user)
    account = spending.account_of(organisation)
    _set_balance(account, pico_from_usd(usd))
    for key in ApiKey.objects.of(organisation).filter(name__in=("Demo", "Demo management")):
        issuing.delete(key)
    _, api_key = issuing.create(organisation, user, "Demo")
    _, management_key = issuing.create(organisation, user, "Demo management", is_management=True)
    account.refresh_from_db()
    return {
        "email": user.email,
        "password": password,
        "api_key": api_key,
        "management_key": management_key,
        "balance": f"{as_usd(PicoUsd(account.balance)):f}",
    }


def _set_balance(account: CreditAccount, balance: PicoUsd) -> None:
    change = balance - account.balance
    if not change:
        return
    move = ledger.add if change > 0 else ledger.take
    move(
        account,
        PicoUsd(abs(change)),
        kind=LedgerEntry.Kind.ADJUSTMENT,
        reference=f"demo:{account.pk}:{secrets.token_hex(8)}",
        note="Demo account set to its starting balance",
    )
