"""Which kinds of email a person gets about an account: their choices, and the defaults."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.models import User
from billing.models import CreditAccount, EmailChoice

__all__ = ["FOR_ADMINS", "SUMMARIES", "Kind", "choice_of", "choose", "chosen_by", "start_of", "turn_off"]

Kind = EmailChoice.Kind

#: What only admins get.
FOR_ADMINS = frozenset({Kind.LOW_BALANCE, Kind.AUTO_TOP_UP})
#: What is off until it is turned on. All others are on until they are turned off.
SUMMARIES = frozenset({Kind.WEEKLY, Kind.MONTHLY})


def chosen_by(user: User, account: CreditAccount) -> set[str]:
    """Return the kinds that are on for the user, those for admins included."""
    chosen = {kind.value for kind in Kind if kind not in SUMMARIES}
    for kind, is_on in EmailChoice.objects.filter(user=user, account=account).values_list("kind", "is_on"):
        (chosen.add if is_on else chosen.discard)(kind)
    return chosen


@transaction.atomic
def choose(user: User, account: CreditAccount, choices: Mapping[str, bool], now: datetime) -> None:
    """Turn these kinds on or off. The first summary is about the period that is running."""
    chosen = chosen_by(user, account)
    for kind, is_on in choices.items():
        if is_on == (kind in chosen):
            continue
        start = start_of(kind, now.astimezone(user.zone).date()) if kind in SUMMARIES else None
        choice, created = EmailChoice.objects.select_for_update().get_or_create(
            user=user, account=account, kind=kind, defaults={"is_on": is_on, "covered_until": start}
        )
        if not created:
            choice.is_on = is_on
            if is_on and start:  # never back: what a summary was about is not written again
                choice.covered_until = max(choice.covered_until or start, start)
            choice.save(update_fields=["is_on", "covered_until"])


def choice_of(user: User, account: CreditAccount, kind: str) -> EmailChoice:
    """Return the user's choice about a kind that is on by default, which is made on first use."""
    return EmailChoice.objects.get_or_create(user=user, account=account, kind=kind)[0]


def turn_off(choice: EmailChoice) -> None:
    """End these emails. Those that are written but not sent are dropped on delivery."""
    EmailChoice.objects.filter(pk=choice.pk).update(is_on=False)


def start_of(interval: str, day: date) -> date:
    """Return the first day of the week or month of that day."""
    return day - timedelta(days=day.weekday()) if interval == Kind.WEEKLY else day.replace(day=1)
