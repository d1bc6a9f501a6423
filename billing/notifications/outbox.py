"""Mails about money on their way. Each is written down in the transaction that it tells about, so none is lost.

After the commit the worker delivers it. When the worker or the process before it dies, the clock does. Whoever
delivers a notice first moves its due date, so that nobody else does meanwhile; when it is sent, its row is deleted.
A process that dies between the two sends it again: then both copies bear the same Message-ID.
"""

import logging
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit
from uuid import UUID

from celery import current_app
from django.conf import settings
from django.core.mail import EmailMessage
from django.db import transaction
from django.utils import timezone

from accounts.models import Membership
from billing.models import CreditAccount, Notice

__all__ = ["deliver", "deliver_due", "forget_old", "post"]

logger = logging.getLogger(__name__)

#: How long after each try the next may follow. The first must outlast a slow mail server: it is also how long a
#: process may be silent before it counts as dead. After the last try a person decides.
WAITS = (timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6), timedelta(hours=24), None)
#: How many one sweep delivers.
BATCH = 100
#: How long those are kept that could not be sent.
KEPT = timedelta(days=90)


def post(account: CreditAccount, subject: str, body: str) -> None:
    """A mail to every admin of the organisation, if the surrounding transaction is committed."""
    admins = Membership.objects.filter(organisation=account.organisation_id, role=Membership.Role.ADMIN)
    for user in admins.filter(user__is_active=True).order_by("user").values_list("user", flat=True):
        notice = Notice.objects.create(account=account, user_id=user, subject=subject[:200], body=body)
        transaction.on_commit(partial(ask_worker, notice.pk))


def ask_worker(notice_id: UUID) -> None:
    """Have it delivered at once. Never fails: without a broker the clock delivers it."""
    try:
        current_app.send_task("billing.tasks.deliver_notice", [str(notice_id)], retry=False)
    except Exception:
        logger.warning("notice %s is left to the clock", notice_id, exc_info=True)


def deliver(notice_id: UUID) -> bool:
    """Send the notice if it is due; False when the mail server did not take it. May be called at any time."""
    notice = Notice.objects.select_related("user").filter(pk=notice_id, due_at__lte=timezone.now()).first()
    if notice is None:
        return True
    wait = WAITS[notice.tries]
    mine = Notice.objects.filter(pk=notice_id, due_at=notice.due_at)
    if not mine.update(due_at=timezone.now() + wait if wait else None, tries=notice.tries + 1):
        return True  # somebody else is at it
    if _is_still_admin(notice):
        host = urlsplit(settings.SITE_URL).hostname or "localhost"
        headers = {"Message-ID": f"<{notice.pk}@{host}>"}
        try:
            EmailMessage(notice.subject, notice.body, to=[notice.user.email], headers=headers).send()
        except Exception as error:  # whatever the mail server does
            logger.exception("notice %s could not be sent%s", notice.pk, "" if wait else ", and is given up")
            Notice.objects.filter(pk=notice_id).update(error=f"{type(error).__name__}: {error}"[:300])
            return False
    Notice.objects.filter(pk=notice_id).delete()
    return True


def deliver_due() -> None:
    """Deliver what is due. Stops at the first that fails: every further one would wait for the same time-out."""
    due = Notice.objects.filter(due_at__lte=timezone.now()).order_by("due_at").values_list("pk", flat=True)
    for notice_id in list(due[:BATCH]):
        if not deliver(notice_id):
            break


def forget_old() -> int:
    """Delete those that could not be sent long ago; how many."""
    return Notice.objects.filter(due_at=None, created_at__lt=timezone.now() - KEPT).delete()[0]


def _is_still_admin(notice: Notice) -> bool:
    role = Membership.objects.filter(user=notice.user_id, role=Membership.Role.ADMIN)
    return notice.user.is_active and role.filter(organisation__credit_account=notice.account_id).exists()
