"""The rest of a deletion, after its transaction: the confirmation, and what the apps have to wait for.

Each attempt claims the deletion by moving its due date, so that one process works at it. A process that dies leaves it
to the next attempt.
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import timezone

from accounts.models import AccountDeletion
from common import encryption
from common.email import mail

from . import erasing
from .leaving import finishing

__all__ = ["finish", "finish_due"]

logger = logging.getLogger(__name__)

#: Time that one attempt may take before another process begins a new one.
CLAIM = timedelta(minutes=10)
#: Time between attempts: short at first, because most wait for a running request.
SOON, LATER = timedelta(minutes=1), timedelta(minutes=15)
SOON_TRIES = 30
#: Attempts to send the confirmation. After them the address goes without.
MAIL_TRIES = 60
#: Attempts that look for sessions of the person: there are no new ones, and all sessions of the site are read.
SESSION_TRIES = 2
BATCH = 50


def finish(deletion_id: int) -> bool:
    """Do what is left of the deletion, if it is due; return whether it is finished. Safe to repeat."""
    now = timezone.now()
    deletion = AccountDeletion.objects.select_related("user").filter(pk=deletion_id).first()
    if deletion is None or deletion.finished_at:
        return deletion is not None
    unclaimed = AccountDeletion.objects.filter(pk=deletion_id, due_at=deletion.due_at, due_at__lte=now)
    if not unclaimed.update(due_at=now + CLAIM, tries=deletion.tries + 1):
        return False
    deletion.tries += 1
    erasing.erase_again(deletion)
    if deletion.tries <= SESSION_TRIES:
        erasing.end_sessions(deletion.user)
    waits = [_farewell(deletion), *_ask_apps(deletion)]
    deletion.waits_for = ", ".join(dict.fromkeys(filter(None, waits)))[:200]
    now = timezone.now()
    deletion.due_at = now + (SOON if deletion.tries < SOON_TRIES else LATER)
    deletion.finished_at = None if deletion.waits_for else now
    deletion.save(update_fields=["waits_for", "due_at", "finished_at"])
    return deletion.finished_at is not None


def finish_due() -> None:
    """Go on with the deletions that are due."""
    due = AccountDeletion.objects.filter(finished_at=None, due_at__lte=timezone.now()).order_by("due_at")
    for deletion_id in list(due.values_list("pk", flat=True)[:BATCH]):
        finish(deletion_id)


def _ask_apps(deletion: AccountDeletion) -> list[str]:
    """Let the apps go on; return what each waits for. The failure of one does not keep the others."""
    waits = []
    for receiver, answer in finishing.send_robust(AccountDeletion, deletion=deletion):
        if isinstance(answer, Exception):
            logger.error("deletion %s: %s failed", deletion.pk, receiver.__module__, exc_info=answer)
            waits.append("an error, see the log")
        else:
            waits.append(answer)
    return waits


def _farewell(deletion: AccountDeletion) -> str:
    """Send the confirmation and forget the address."""
    if not deletion.farewell_to:
        return ""
    try:
        address = encryption.decrypt(deletion.farewell_to)
        text = render_to_string(
            "accounts/mail/deleted.txt", {"site_name": settings.SITE_NAME, "support_email": settings.SUPPORT_EMAIL}
        )
        subject = f"Your {settings.SITE_NAME} account was deleted"
        mail.build(subject, text, [address], message_id=f"deletion-{deletion.pk}").send()
    except Exception as error:  # a mail backend may raise anything, and its text may name the address
        logger.warning("deletion %s: its confirmation was not sent: %s", deletion.pk, type(error).__name__)
        if deletion.tries < MAIL_TRIES:
            return "the mail server"
    deletion.farewell_to = ""
    deletion.save(update_fields=["farewell_to"])
    return ""
