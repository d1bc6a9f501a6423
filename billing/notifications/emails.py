"""Emails about an account: about money to its admins, and alerts to those whom they concern.

Call these functions in the transaction that the email reports; `outbox.py` sends it after the commit.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models import User
from billing.models import CreditAccount, Dispute, EmailChoice, ExpiringCredits, Purchase, Refund
from common.display.moments import day_text
from common.limits import spend_limits
from common.limits.spend_limits import LimitColumns
from common.money import PicoUsd, format_cents, format_usd
from common.naming.names import clean_name

from . import outbox, unsubscribing
from .choices import Kind

__all__ = [
    "Limited",
    "Retiring",
    "arrived_late",
    "auto_top_up_failed",
    "auto_top_up_stopped",
    "auto_top_up_succeeded",
    "balance_is_low",
    "credits_expire",
    "destination_paused",
    "frozen",
    "limit_reached",
    "models_retire",
    "refund_failed",
    "signed_in",
]


@dataclass(frozen=True, kw_only=True)
class Limited:
    """A thing with a spend limit: how emails name it, where it is set, and the users it concerns beside the admins."""

    kind: str
    subject: str  # "key:12": its own in the account
    name: str  # "API key Laptop"
    path: str
    members: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Retiring:
    """A model that will be gone on a day, and the newest model of its family, if another."""

    id: str
    name: str
    day: date
    successor: str = ""


def auto_top_up_succeeded(purchase: Purchase) -> None:
    """Report credits bought by auto top-up."""
    subject = f"Auto top-up added {format_cents(purchase.credit_cents)} in credits"
    _send(purchase.account, subject, "auto_top_up_succeeded", {"purchase": purchase}, kind=Kind.AUTO_TOP_UP)


def arrived_late(purchase: Purchase) -> None:
    """Report a payment that arrived after its page had closed, so that no page shows it."""
    subject = f"Your payment arrived: {format_cents(purchase.credit_cents)} in credits added"
    _send(purchase.account, subject, "arrived_late", {"purchase": purchase})


def auto_top_up_failed(purchase: Purchase, retry_at: datetime | None) -> None:
    """Report a declined card that will be charged again."""
    context = {"purchase": purchase, "retry_at": retry_at}
    _send(purchase.account, "Auto top-up failed", "auto_top_up_failed", context, kind=Kind.AUTO_TOP_UP)


def auto_top_up_stopped(account: CreditAccount, reason: str) -> None:
    """Report that auto top-up was turned off by the system."""
    _send(account, "Auto top-up is off", "auto_top_up_stopped", {"reason": reason}, kind=Kind.AUTO_TOP_UP)


def balance_is_low(account: CreditAccount) -> None:
    """Report a balance below the alert threshold."""
    subject = f"Your balance is below {format_usd(PicoUsd(account.alert_below or 0))}"
    _send(account, subject, "low_balance", {}, kind=Kind.LOW_BALANCE)


def credits_expire(account: CreditAccount, expiring: Sequence[ExpiringCredits]) -> None:
    """Warn of credits that expire soon. `expiring` is sorted by date."""
    first = expiring[0].expires_at
    _send(account, lambda: f"Your credits expire on {day_text(first)}", "credits_expire", {"expiring": expiring})


def destination_paused(account: CreditAccount, name: str, reason: str, path: str, kept_hours: int) -> None:
    """Report that events are no longer sent to one of the account's own servers, which kept failing."""
    name = clean_name(name)
    context = {"name": name, "reason": reason, "url": settings.SITE_URL + path, "kept_hours": kept_hours}
    _send(account, f"Broadcast to {name} is paused", "destination_paused", context)


def frozen(account: CreditAccount, dispute: Dispute) -> None:
    """Report a disputed payment and that the account is frozen."""
    _send(account, "Your account is frozen because of a disputed payment", "frozen", {"dispute": dispute})


def refund_failed(refund: Refund) -> None:
    """Report a failed refund, whose credits have been restored."""
    subject = f"Your refund of {format_cents(refund.cents)} failed"
    _send(refund.purchase.account, subject, "refund_failed", {"refund": refund})


def limit_reached(account: CreditAccount, limited: Limited, row: LimitColumns, step: int, now: datetime) -> None:
    """Report that the usage of a key or budget has reached `step` percent of its limit."""
    name = clean_name(limited.name)
    left = spend_limits.remaining(row, now) or PicoUsd(0)
    context = {
        "name": name,
        "spent": spend_limits.counted(row, now),
        "limit": row.limit,
        "left": left,
        "used_up": step == 100,
        "resets_at": spend_limits.resets_at(row.limit_reset, now),
        "url": settings.SITE_URL + limited.path,
    }
    _send(
        account,
        f"{name}: {step}% of the spend limit used",
        "limit_reached",
        context,
        kind=limited.kind,
        members=limited.members,
    )


def models_retire(account: CreditAccount, models: Sequence[Retiring], members: Collection[int]) -> None:
    """Warn of models that the account uses and that retire soon. `models` is sorted by date."""

    def subject() -> str:
        what = models[0].name if len(models) == 1 else f"{len(models)} models you use"
        verb = "retires" if len(models) == 1 else "retire"
        return f"{clean_name(what)} {verb} {'on' if len(models) == 1 else 'from'} {day_text(models[0].day)}"

    context = {"models": models, "models_url": settings.SITE_URL + reverse("models_catalog:models")}
    _send(account, subject, "models_retire", context, kind=Kind.MODEL_DEPRECATION, members=members)


def signed_in(account: CreditAccount, user: User, seen: Mapping[str, str]) -> None:
    """Report a sign-in from a new browser. `account` is that of the user's personal organization."""
    context = {**seen, "timestamp": datetime.fromisoformat(seen["timestamp"])}
    subject = f"New sign-in to {settings.SITE_NAME}"
    _send(account, subject, "signed_in", context, kind=Kind.NEW_SIGN_IN, members=[user.pk], admins=False)


def _send(
    account: CreditAccount,
    subject: str | Callable[[], str],
    template: str,
    context: dict[str, Any],
    *,
    kind: str = "",
    members: Collection[int] = (),
    admins: bool = True,
) -> None:
    """Send the email to each admin and to these members.

    A subject with a date is a function: people read dates in ways of their own.
    """
    shown = context | {
        "account": account,
        "organisation_name": clean_name(account.organisation.name),
        "site_name": settings.SITE_NAME,
        "support_email": settings.SUPPORT_EMAIL,
        "credits_url": settings.SITE_URL + reverse("billing:credits"),
        "auto_top_up_url": settings.SITE_URL + reverse("billing:auto-top-up"),
        "settings_url": settings.SITE_URL + reverse("billing:notifications"),
    }

    def write(choice: EmailChoice | None) -> tuple[str, str]:
        own = shown | ({"unsubscribe_url": unsubscribing.url_of(choice)} if choice else {})
        return subject() if callable(subject) else subject, render_to_string(f"billing/mail/{template}.txt", own)

    outbox.enqueue(account, write, kind=kind, members=members, admins=admins)
