"""The auto top-up agreement: its terms, and whether the card may be charged now.

`auto_top_up_charges.py` makes the charges.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.utils import timezone

from accounts.models import User
from billing.models import AutoTopUp, CreditAccount, Purchase, PurchaseQuerySet, SavedCard
from common.money import pico_from_cents

__all__ = [
    "Eligibility",
    "Terms",
    "charges_of",
    "eligibility",
    "low_accounts",
    "replace_card",
    "turn_off",
    "turn_off_for_card",
    "turn_on",
]

State = Purchase.State

#: Delays after the first, second, ... failed charge in a row. One more failure turns auto top-up off.
RETRY_DELAYS = (timedelta(hours=1), timedelta(hours=6))
#: Minimum time between two charges, and maximum number of charges in 24 hours, whatever their outcome.
MIN_INTERVAL = timedelta(seconds=60)
MAX_CHARGES_PER_DAY = 5
#: Decline codes that must not be retried.
FINAL_DECLINE_CODES = frozenset(
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


# --- The agreement ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Terms:
    """Buy `amount_cents` of credits below a balance of `threshold_cents`, up to `daily_limit_cents` in 24 hours."""

    threshold_cents: int
    amount_cents: int
    daily_limit_cents: int


def turn_on(
    account: CreditAccount, user: User, card: SavedCard, terms: Terms, *, ip: str | None, consent: str
) -> AutoTopUp:
    """The agreement, in force from now. `consent` is the sentence that the user agreed to, from the address `ip`."""
    now = timezone.now()
    with transaction.atomic():
        agreement, _ = AutoTopUp.objects.update_or_create(
            account=account,
            defaults={
                **asdict(terms),
                "is_on": True,
                "card": card,
                "off_reason": "",
                "turned_on_at": now,
                "consent_by": user,
                "consent_at": now,
                "consent_ip": ip,
                "consent_text": consent,
            },
        )
        CreditAccount.objects.filter(pk=account.pk).update(auto_top_up_below=pico_from_cents(terms.threshold_cents))
    return agreement


def turn_off(account: CreditAccount, reason: str = "") -> bool:
    """Stop charging; returns whether it was on. The owner sees `reason`, if we turned it off and not they."""
    with transaction.atomic():
        changed = AutoTopUp.objects.filter(account=account, is_on=True).update(is_on=False, off_reason=reason[:300])
        CreditAccount.objects.filter(pk=account.pk).update(auto_top_up_below=None)
    return bool(changed)


def turn_off_for_card(card: SavedCard) -> None:
    """Turn auto top-up off if it charges this card, which has been removed."""
    if AutoTopUp.objects.filter(account=card.account_id, card=card, is_on=True).exists():
        turn_off(card.account, f"{card} was removed. Choose another card to turn auto top-up on again.")


def replace_card(earlier: SavedCard, card: SavedCard) -> None:
    """Charge `card` in place of `earlier`, an older copy of the same card."""
    AutoTopUp.objects.filter(card=earlier).update(card=card)


# --- Eligibility ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Eligibility:
    """Whether auto top-up may charge the card now.

    `retry_at` is set, with the `wait_reason`, while it must wait. `stop_reason` is set when it must be turned off.
    """

    retry_at: datetime | None = None
    wait_reason: str = ""
    stop_reason: str = ""

    @property
    def may_charge(self) -> bool:
        """Whether a charge may be made now."""
        return not (self.stop_reason or self.retry_at)


def eligibility(agreement: AutoTopUp, now: datetime | None = None) -> Eligibility:
    """Whether the card may be charged at `now`, judging by the outcomes of earlier charges."""
    now = now or timezone.now()
    return _after_failures(agreement, now) or _within_limits(agreement, now) or Eligibility()


def _after_failures(agreement: AutoTopUp, now: datetime) -> Eligibility | None:
    """The consequence of failed charges since the last success; None if there is none."""
    charges = charges_of(agreement.account).filter(created_at__gt=agreement.turned_on_at).order_by("-created_at")
    failed = []
    for charge in charges[: len(RETRY_DELAYS) + 1]:
        if charge.state != State.FAILED:
            break
        failed.append(charge)
    if not failed:
        return None
    last = failed[0]
    if last.is_final_decline or last.decline_code in FINAL_DECLINE_CODES:
        return Eligibility(stop_reason=last.failure)
    if len(failed) > len(RETRY_DELAYS):
        return Eligibility(stop_reason=f"The card was declined {len(failed)} times in a row. {last.failure}")
    retry_at = last.created_at + RETRY_DELAYS[len(failed) - 1]
    return Eligibility(retry_at=retry_at, wait_reason="The last charge was declined.") if retry_at > now else None


def _within_limits(agreement: AutoTopUp, now: datetime) -> Eligibility | None:
    """The limit that forbids a charge now; None if there is none."""
    day = timedelta(days=1)
    recent = list(charges_of(agreement.account).filter(created_at__gt=now - day).order_by("created_at"))
    if recent and recent[-1].created_at + MIN_INTERVAL > now:
        return Eligibility(recent[-1].created_at + MIN_INTERVAL, "The last charge was less than a minute ago.")
    if len(recent) >= MAX_CHARGES_PER_DAY:
        first = recent[-MAX_CHARGES_PER_DAY]
        return Eligibility(
            first.created_at + day, f"The maximum of {MAX_CHARGES_PER_DAY} charges in 24 hours is reached."
        )
    bought = [charge for charge in recent if charge.state != State.FAILED]
    if sum(charge.credit_cents for charge in bought) + agreement.amount_cents > agreement.daily_limit_cents:
        return Eligibility(bought[0].created_at + day, "Your 24-hour limit is reached.")
    return None


def low_accounts() -> QuerySet[CreditAccount]:
    """The accounts with auto top-up on whose balance is below the threshold."""
    return CreditAccount.objects.filter(
        auto_top_up_below__isnull=False, auto_top_up_below__gt=F("credits") - F("usage")
    )


def charges_of(account: CreditAccount) -> PurchaseQuerySet:
    """Every auto top-up charge of the account, in any state."""
    return Purchase.objects.filter(account=account, source=Purchase.Source.AUTO_TOP_UP)
