"""Promotional codes: made by operators, redeemed once per account and person.

The credits are a lot of their own. They don't count as purchases, can't be refunded or moved to an organization, and
expire by the code's own rule (`expiry.py`), whether or not purchases expire.

Locks are always taken in the same order: code, then account.
"""

import re
import secrets
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import dateformat

from accounts.models import User
from billing.models import CreditAccount, LedgerEntry, PromotionalCode, Purchase, Redemption
from common import clock
from common.money import format_cents, pico_from_cents

from . import ledger

__all__ = [
    "MAXIMUM_COUNT",
    "NEW_ACCOUNT_AGE",
    "NotRedeemable",
    "Rules",
    "check",
    "create",
    "normalize",
    "redeem",
    "unspent",
]

#: How old an account, and the person who redeems, may be for a code that is for new accounts only.
NEW_ACCOUNT_AGE = timedelta(days=30)
#: The most that one code gives, and its most uses, or days that its credits last.
MAXIMUM_CENTS, MAXIMUM_COUNT = 100_000_000, 100_000
#: Letters and digits that can't be taken for another one.
_ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
_CODE = re.compile(r"[A-Z0-9]{4,40}", re.ASCII)
_UNKNOWN = "This code isn't valid. Check the spelling."


@dataclass(frozen=True)
class Rules:
    """The amount of a code, its limits, and the accounts it is for."""

    cents: int
    max_uses: int
    redeem_by: datetime | None = None
    credit_days: int | None = None  # until unspent credits expire; None: never
    new_accounts_only: bool = False


class NotRedeemable(Exception):
    """The code can't be redeemed; the message says why."""


def normalize(text: str) -> str:
    """Return a typed code in capital letters without spaces and hyphens; empty if it can't be a code."""
    if not text.isascii():
        return ""
    code = re.sub(r"[\s-]", "", text).upper()
    return code if _CODE.fullmatch(code) else ""


def _clean_code(text: str) -> str:
    """Return the normalized name of a new code. ValueError, with a message for the operator, if it can't be one."""
    if not (code := normalize(text)):
        raise ValueError("Enter 4 to 40 letters and digits. Spaces and hyphens are ignored.")
    if PromotionalCode.objects.filter(code=code).exists():
        raise ValueError(f"{code} exists already.")
    return code


def _new_code() -> str:
    """Return a random name that can't be guessed."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(12))


def check(rules: Rules, name: str = "") -> str:
    """Return the normalized name of a new code, a random one without `name`. ValueError, with a message for the
    operator, if the rules or the name are refused."""
    if not 0 < rules.cents <= MAXIMUM_CENTS:
        raise ValueError(f"Enter an amount from $0.01 to {format_cents(MAXIMUM_CENTS)}.")
    days = 1 if rules.credit_days is None else rules.credit_days
    if not all(0 < number <= MAXIMUM_COUNT for number in (rules.max_uses, days)):
        raise ValueError(f"Enter uses and days as whole numbers from 1 to {MAXIMUM_COUNT:,}.")
    if rules.redeem_by is not None and rules.redeem_by <= clock.utc_now():
        raise ValueError("The last moment to redeem the code has passed already.")
    return _clean_code(name) if name else _new_code()


def create(rules: Rules, *, operator: User, code: str = "", note: str = "") -> PromotionalCode:
    """Create a code; a random one if it has no name. ValueError, with a message for the operator, if it is refused."""
    return PromotionalCode.objects.create(
        code=check(rules, code), note=note, operator=operator, operator_email=operator.email, **asdict(rules)
    )


@transaction.atomic
def redeem(account: CreditAccount, user: User, text: str) -> Redemption:
    """Add the credits of the code that was typed. NotRedeemable if there is no such code, or if it isn't for them."""
    now, name = clock.utc_now(), normalize(text)
    # Redemptions of one code wait for each other here, so uses are counted exactly.
    code = PromotionalCode.objects.select_for_update().filter(code=name, is_active=True).first() if name else None
    if code is None:
        raise NotRedeemable(_UNKNOWN)
    locked = CreditAccount.objects.select_for_update(of=("self",)).select_related("organisation").get(pk=account.pk)
    if refusal := _refusal(code, locked, user, now):
        raise NotRedeemable(refusal)
    expires_at = now + timedelta(days=code.credit_days) if code.credit_days else None
    entry = ledger.add(
        locked,
        pico_from_cents(code.cents),
        kind=LedgerEntry.Kind.PROMOTION,
        reference=f"code:{code.pk}:{account.pk}",
        note=code.code + (f", expires on {dateformat.format(expires_at, 'j F Y')}" if expires_at else ""),
        expires_at=expires_at,
    )
    PromotionalCode.objects.filter(pk=code.pk).update(uses=F("uses") + 1)
    return Redemption.objects.create(code=code, account=account, user=user, entry=entry)


def _refusal(code: PromotionalCode, account: CreditAccount, user: User, now: datetime) -> str:
    """Why the code can't be redeemed by them; empty if it can."""
    if code.redemptions.filter(account=account).exists():
        return "This account has already redeemed this code."
    if code.redemptions.filter(user=user).exists():
        return "You have already redeemed this code for another account."
    if code.redeem_by is not None and code.redeem_by <= now:
        return "This code has expired."
    if code.uses >= code.max_uses:
        return "This code has been used up."
    if account.frozen_reason:
        return "You can't redeem codes while the account is frozen."
    if code.new_accounts_only and not _is_new(account, user, now):
        return f"This code is only for new accounts: at most {NEW_ACCOUNT_AGE.days} days old and without a purchase."
    return ""


def _is_new(account: CreditAccount, user: User, now: datetime) -> bool:
    oldest = min(account.created_at, account.organisation.created_at, user.created_at)
    bought = Purchase.objects.filter(account=account, state=Purchase.State.CREDITED)
    return oldest >= now - NEW_ACCOUNT_AGE and not bought.exists()


def unspent(account: CreditAccount) -> int:
    """The account's promotional credits (pico-USD) that are neither spent nor on hold. Few lots are promotional."""
    lots = account.lots.filter(entry__kind=LedgerEntry.Kind.PROMOTION, amount__gt=0)
    return sum(ledger.unspent(lot) for lot in lots)
