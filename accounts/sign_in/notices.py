"""Emails to a user about the security of their account, beside those of django-allauth.

A worker sends them, so that signing in neither waits for the mail server nor tells how long it takes.
"""

import logging
from collections.abc import Mapping

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from allauth.account.signals import email_added, email_removed
from django.http import HttpRequest

from accounts import tasks
from accounts.models import User
from common import clock

__all__ = ["connect_signals", "seen_in", "send"]

logger = logging.getLogger(__name__)


def seen_in(request: HttpRequest) -> dict[str, str]:
    """Return what a notice says of the request that caused it: the moment, the IP address and the user agent."""
    adapter = get_adapter()
    return {
        "timestamp": clock.utc_now().isoformat(),
        "ip": adapter.get_client_ip(request),
        "user_agent": adapter.get_http_user_agent(request)[:200],
    }


def send(user: User, template: str, context: Mapping[str, object], *, to: str = "") -> None:
    """Have a worker send the notice, to the user's primary address unless `to` is given.

    `context` is what `seen_in` returned, and more. A broker that is down is logged, not raised.
    """
    try:
        tasks.send_notice.apply_async((user.pk, template, dict(context), to), retry=False)
    except Exception:  # what the user did must not fail
        logger.warning("A user was not told about %s", template, exc_info=True)


def connect_signals() -> None:
    """Report addresses that are added, and tell an address that it was removed."""
    email_added.connect(_on_email_added, dispatch_uid="accounts.notices.added")
    email_removed.connect(_on_email_removed, dispatch_uid="accounts.notices.removed")


def _on_email_added(request: HttpRequest, user: User, email_address: EmailAddress, **_: object) -> None:
    send(user, "account/email/email_added", seen_in(request) | {"added_email": email_address.email})


def _on_email_removed(request: HttpRequest, user: User, email_address: EmailAddress, **_: object) -> None:
    if email_address.verified:  # others may belong to a stranger
        context = seen_in(request) | {"deleted_email": email_address.email}
        send(user, "account/email/email_deleted", context, to=email_address.email)
