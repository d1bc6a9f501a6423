"""Mails about money, to the admins of the organisation whose money it is.

Called in the transaction that they tell about; `outbox.py` sends them when it is committed.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import dateformat

from billing.models import CreditAccount, Dispute, ExpiringCredits, Purchase, Refund
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
    """Auto top-up has bought credits."""
    subject = f"{format_cents(purchase.credit_cents)} of credits added by auto top-up"
    _send(purchase.account, subject, "auto_top_up_succeeded", {"purchase": purchase})


def arrived_late(purchase: Purchase) -> None:
    """A payment came after its page had closed: nobody sits in front of the page that would show it."""
    subject = f"Your payment has arrived: {format_cents(purchase.credit_cents)} of credits added"
    _send(purchase.account, subject, "arrived_late", {"purchase": purchase})


def auto_top_up_failed(purchase: Purchase, again_at: datetime | None) -> None:
    """The card was declined; it will be tried again."""
    _send(purchase.account, "Auto top-up failed", "auto_top_up_failed", {"purchase": purchase, "again_at": again_at})


def auto_top_up_stopped(account: CreditAccount, reason: str) -> None:
    """Auto top-up was switched off by us."""
    _send(account, "Auto top-up is switched off", "auto_top_up_stopped", {"reason": reason})


def balance_is_low(account: CreditAccount) -> None:
    """The balance has fallen below the owner's line."""
    _send(account, f"Your balance is below {format_usd(PicoUsd(account.alert_below or 0))}", "low_balance", {})


def credits_expire(account: CreditAccount, expiring: Sequence[ExpiringCredits]) -> None:
    """Credits that were bought long ago expire soon, soonest first."""
    subject = f"Credits expire on {dateformat.format(expiring[0].expires_at, 'j F Y')}"
    _send(account, subject, "credits_expire", {"expiring": expiring})


def frozen(account: CreditAccount, dispute: Dispute) -> None:
    """A bank has taken a payment back, and the account is frozen."""
    _send(account, "Your account is frozen: a payment was disputed", "frozen", {"dispute": dispute})


def refund_failed(refund: Refund) -> None:
    """A refund came back; so did the credits."""
    subject = f"Your refund of {format_cents(refund.cents)} did not go through"
    _send(refund.purchase.account, subject, "refund_failed", {"refund": refund})


def _send(account: CreditAccount, subject: str, template: str, context: dict[str, Any]) -> None:
    shown = context | {
        "account": account,
        "site_name": settings.SITE_NAME,
        "support_email": settings.SUPPORT_EMAIL,
        "credits_url": settings.SITE_URL + reverse("billing:credits"),
        "auto_top_up_url": settings.SITE_URL + reverse("billing:auto-top-up"),
    }
    outbox.post(account, subject, render_to_string(f"billing/mail/{template}.txt", shown))
