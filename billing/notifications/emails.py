"""Emails about money, to the admins of the organization.

Call these functions in the transaction that the email reports; `outbox.py` sends it after the commit.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from billing.models import CreditAccount, Dispute, ExpiringCredits, Purchase, Refund
from common.moments import day_text
from common.money import PicoUsd, format_cents, format_usd

from . import outbox

__all__ = [
    "arrived_late",
    "auto_top_up_failed",
    "auto_top_up_stopped",
    "auto_top_up_succeeded",
    "balance_is_low",
    "credits_expire",
    "frozen",
    "refund_failed",
]


def auto_top_up_succeeded(purchase: Purchase) -> None:
    """Report credits bought by auto top-up."""
    subject = f"Auto top-up added {format_cents(purchase.credit_cents)} in credits"
    _send(purchase.account, subject, "auto_top_up_succeeded", {"purchase": purchase})


def arrived_late(purchase: Purchase) -> None:
    """Report a payment that arrived after its page had closed, so that no page shows it."""
    subject = f"Your payment arrived: {format_cents(purchase.credit_cents)} in credits added"
    _send(purchase.account, subject, "arrived_late", {"purchase": purchase})


def auto_top_up_failed(purchase: Purchase, retry_at: datetime | None) -> None:
    """Report a declined card that will be charged again."""
    _send(purchase.account, "Auto top-up failed", "auto_top_up_failed", {"purchase": purchase, "retry_at": retry_at})


def auto_top_up_stopped(account: CreditAccount, reason: str) -> None:
    """Report that auto top-up was turned off by the system."""
    _send(account, "Auto top-up is off", "auto_top_up_stopped", {"reason": reason})


def balance_is_low(account: CreditAccount) -> None:
    """Report a balance below the alert threshold."""
    _send(account, f"Your balance is below {format_usd(PicoUsd(account.alert_below or 0))}", "low_balance", {})


def credits_expire(account: CreditAccount, expiring: Sequence[ExpiringCredits]) -> None:
    """Warn of credits that expire soon. `expiring` is sorted by date."""
    first = expiring[0].expires_at
    _send(account, lambda: f"Your credits expire on {day_text(first)}", "credits_expire", {"expiring": expiring})


def frozen(account: CreditAccount, dispute: Dispute) -> None:
    """Report a disputed payment and that the account is frozen."""
    _send(account, "Your account is frozen because of a disputed payment", "frozen", {"dispute": dispute})


def refund_failed(refund: Refund) -> None:
    """Report a failed refund, whose credits have been restored."""
    subject = f"Your refund of {format_cents(refund.cents)} failed"
    _send(refund.purchase.account, subject, "refund_failed", {"refund": refund})


def _send(account: CreditAccount, subject: str | Callable[[], str], template: str, context: dict[str, Any]) -> None:
    """Send the email to each admin. A subject with a date is a function: admins read dates in ways of their own."""
    shown = context | {
        "account": account,
        "site_name": settings.SITE_NAME,
        "support_email": settings.SUPPORT_EMAIL,
        "credits_url": settings.SITE_URL + reverse("billing:credits"),
        "auto_top_up_url": settings.SITE_URL + reverse("billing:auto-top-up"),
    }

    def write() -> tuple[str, str]:
        return subject() if callable(subject) else subject, render_to_string(f"billing/mail/{template}.txt", shown)

    outbox.enqueue(account, write)
