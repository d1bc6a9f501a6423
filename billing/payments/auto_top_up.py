"""The agreement on auto top-up: what the owner wants, and whether an attempt may be made now.

`topping_up.py` makes the attempts.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.models import User
from billing.models import AutoTopUp, CreditAccount, Purchase, PurchaseQuerySet, SavedCard
from common.money import pico_from_cents

__all__ = [
    "Outlook",
    "attempts_of",
    "low_accounts",
    "outlook",
    "stop_using",
    "switch_off",
    "switch_on",
    "use_instead",
]

State = Purchase.State

#: How long to wait after the first, the second, ... failure in a row; after one more it is switched off.
PATIENCE = (timedelta(hours=1), timedelta(hours=6))
#: At least this long between two attempts, and at most so many in a day, whatever else happens.
PAUSE = timedelta(seconds=60)
MOST_PER_DAY = 5
#: Why the bank says no that no second attempt will change.
FINAL = frozenset(
    {
        "authentication_required",
        "card_not_supported",
        "currency_not_supported",
        "expired_card",
        "invalid_account",
        "lost_card",
        "pickup_card",
        "restricted_card",
        "revocation_of_all_authorizations",
        "revocation_of_authorization",
        "security_violation",
        "stolen_card",
        "stop_payment_order",
        "transaction_not_allowed",
    }
)


# --- What the owner decides -------------------------------------------------------------------------


def switch_on(
    account: CreditAccount,
    user: User,
    card: SavedCard,
    *,
    threshold_cents: int,
    amount_cents: int,
    daily_limit_cents: int,
    ip: str | None,
    consent: str,
) -> AutoTopUp:
    """The agreement, in force from now. `consent` is the sentence that the person agreed to."""
    now = timezone.now()
    with transaction.atomic():
        agreement, _ = AutoTopUp.objects.update_or_create(
            account=account,
            defaults={
                "is_on": True,
                "threshold_cents": threshold_cents,
                "amount_cents": amount_cents,
                "daily_limit_cents": daily_limit_cents,
                "card": card,
                "off_reason": "",
                "resumed_at": now,
                "consent_by": user,
                "consent_at": now,
                "consent_ip": ip,
                "consent_text": consent,
            },
        )
        CreditAccount.objects.filter(pk=account.pk).update(top_up_below=pico_from_cents(threshold_cents))
    return agreement


def switch_off(account: CreditAccount, reason: str = "") -> bool:
    """Charge nothing from now on; whether it was on. `reason` is told to the owner when it was not their wish."""
    with transaction.atomic():
        changed = AutoTopUp.objects.filter(account=account, is_on=True).update(is_on=False, off_reason=reason[:300])
        CreditAccount.objects.filter(pk=account.pk).update(top_up_below=None)
    return bool(changed)


def stop_using(card: SavedCard) -> None:
    """The card is gone: switch off what would charge it."""
    if AutoTopUp.objects.filter(account=card.account_id, card=card, is_on=True).exists():
        switch_off(card.account, f"{card} was removed. Choose another card to switch auto top-up on again.")


def use_instead(earlier: SavedCard, card: SavedCard) -> None:
    """The same card was saved again: charge the new copy."""
    AutoTopUp.objects.filter(card=earlier).update(card=card)


# --- What may be done now --------------------------------------------------------------------------


@dataclass(frozen=True)
class Outlook:
    """What auto top-up would do now: `wait_until` is set while it holds back, `stop` when it should not go on."""

    wait_until: datetime | None = None
    stop: str = ""
    why: str = ""

    @property
    def may_run(self) -> bool:
        return not (self.stop or self.wait_until)


def outlook(agreement: AutoTopUp, now: datetime | None = None) -> Outlook:
    """Whether an attempt may be made now, read off the attempts made so far."""
    now = now or timezone.now()
    made = list(attempts_of(agreement.account).filter(created_at__gt=agreement.resumed_at).order_by("-created_at")[:20])
    failed = []
    for attempt in made:
        if attempt.state != State.FAILED:
            break
        failed.append(attempt)
    if failed and (failed[0].is_final_decline or failed[0].decline_code in FINAL):
        return Outlook(stop=failed[0].failure)
    if len(failed) > len(PATIENCE):
        return Outlook(stop=f"The card was declined {len(failed)} times in a row. {failed[0].failure}")
    if failed:
        until = failed[0].created_at + PATIENCE[len(failed) - 1]
        if until > now:
            return Outlook(wait_until=until, why="The last attempt was declined.")

    day = timedelta(days=1)
    recent = list(attempts_of(agreement.account).filter(created_at__gt=now - day).order_by("created_at"))
    if recent and recent[-1].created_at + PAUSE > now:
        return Outlook(wait_until=recent[-1].created_at + PAUSE, why="The last attempt was a moment ago.")
    if len(recent) >= MOST_PER_DAY:
        return Outlook(wait_until=recent[-MOST_PER_DAY].created_at + day, why=f"It has run {MOST_PER_DAY} times today.")
    bought = [attempt for attempt in recent if attempt.state != State.FAILED]
    if sum(attempt.credit_cents for attempt in bought) + agreement.amount_cents > agreement.daily_limit_cents:
        return Outlook(wait_until=bought[0].created_at + day, why="The limit for a day has been reached.")
    return Outlook()


def low_accounts() -> QuerySet[CreditAccount]:
    """The accounts whose balance is below the line that their owner has drawn."""
    return CreditAccount.objects.filter(top_up_below__isnull=False, top_up_below__gt=F("credits") - F("usage"))


def attempts_of(account: CreditAccount) -> PurchaseQuerySet:
    """Every purchase that auto top-up has made or tried."""
    return Purchase.objects.filter(account=account, source=Purchase.Source.AUTO_TOPUP)
