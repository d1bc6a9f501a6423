"""Celery tasks of accounts."""

from datetime import datetime
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from celery import shared_task
from django.utils import timezone

from . import reader
from .deletion import finishing
from .models import User
from .organisations import invitations

__all__ = [
    "deliver_invitation",
    "deliver_invitations",
    "finish_deletion",
    "finish_deletions",
    "report_failed_attempts",
    "send_notice",
]


@shared_task
def report_failed_attempts(email: str, secret: str, failures: int, address: str) -> None:
    """Tell the owner of this email address that their password or code ("password", "code") was guessed at.

    An address without an account gets nothing, nor does one whose owner has not verified it where that is required.
    """
    owners = EmailAddress.objects.filter(email__iexact=email, user__is_active=True).select_related("user")
    if app_settings.EMAIL_VERIFICATION == app_settings.EmailVerificationMethod.MANDATORY:
        owners = owners.filter(verified=True)
    context = {"email": email, "failures": failures, "address": address, "timestamp": timezone.now()}
    for user in {owner.user for owner in owners}:
        with reader.reading(user):
            get_adapter().render_mail(f"account/email/failed_attempts_{secret}", user.email, context).send()


@shared_task
def send_notice(user_id: int, template: str, context: dict[str, Any], to: str) -> None:
    """Email a user what happened to the security of their account, at `to` or their primary address.

    `context` has the moment as `timestamp`, in ISO format. Deleted users get nothing.
    """
    user = User.objects.filter(pk=user_id, is_active=True).first()
    address = to or (user and EmailAddress.objects.get_primary_email(user)) or ""
    if user is None or not address:
        return
    facts = context | {"timestamp": datetime.fromisoformat(context["timestamp"])}
    with reader.reading(user):
        get_adapter().render_mail(template, address, facts).send()


@shared_task
def finish_deletion(deletion_id: int) -> None:
    """Started when an account is deleted."""
    finishing.finish(deletion_id)


@shared_task
def finish_deletions() -> None:
    """Every minute: go on with deletions that wait for something, or whose worker died."""
    finishing.finish_due()


@shared_task
def deliver_invitation(invitation_id: int) -> None:
    """Started when an invitation is committed."""
    invitations.deliver(invitation_id)


@shared_task
def deliver_invitations() -> None:
    """Every minute: send invitations whose worker died or that the mail server refused."""
    invitations.deliver_due()
