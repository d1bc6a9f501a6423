"""The outbox of emails about an account, to its admins and members.

Each is stored in the transaction that it reports, so none is lost. A worker delivers it after the commit. If that
worker or the calling process dies, the periodic task delivers it. A delivery first moves the due date of the notice,
which claims it, and deletes the row once the email is sent. If the process dies in between, the email is sent again,
with the same Message-ID.
"""

import logging
from collections.abc import Callable, Collection
from datetime import timedelta
from functools import partial
from uuid import UUID

from celery import current_app
from django.core.mail import EmailMultiAlternatives
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts import reader
from accounts.models import Membership
from billing.models import CreditAccount, EmailChoice, Notice
from common.email import mail

from . import choices, unsubscribing

__all__ = ["delete_undeliverable", "deliver", "deliver_due", "enqueue", "enqueue_chosen", "wake_worker"]

logger = logging.getLogger(__name__)

#: Delay after each try; None after the last one, when an operator decides. The first delay must outlast a slow mail
#: server, because a process that is silent for longer counts as dead.
RETRY_DELAYS = (
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(hours=24),
    None,
)
#: Notices that one run of the periodic task delivers.
BATCH = 100
#: Time until an undeliverable notice is deleted.
RETENTION = timedelta(days=90)


#: Returns subject and body of an email, given the choice that can turn it off.
Write = Callable[[EmailChoice | None], tuple[str, str]]


def enqueue(
    account: CreditAccount, write: Write, *, kind: str = "", members: Collection[int] = (), admins: bool = True
) -> None:
    """Send an email to the admins and to these members (IDs of users) once the surrounding transaction commits.

    An email of a `kind` goes to those who have it on; without one it can't be turned off. `write` is called for each
    reader, with their time zone and date format. Of `members`, those who have left get nothing.
    """
    readers = Q(user__in=members)
    if admins:
        readers |= Q(role=Membership.Role.ADMIN)
    found = Membership.objects.filter(readers, organisation=account.organisation_id, user__is_active=True)
    for membership in found.order_by("user").select_related("user"):
        user = membership.user
        choice = choices.choice_of(user, account, kind) if kind else None
        if choice and not choice.is_on:
            continue
        with reader.reading(user):
            subject, body = write(choice)
        _store(account.pk, user.pk, choice, subject, body)


def enqueue_chosen(choice: EmailChoice, subject: str, body: str) -> None:
    """Send an email to the person who made this choice once the surrounding transaction commits."""
    _store(choice.account_id, choice.user_id, choice, subject, body)


def _store(account_id: int, user_id: int, choice: EmailChoice | None, subject: str, body: str) -> None:
    notice = Notice.objects.create(
        account_id=account_id, user_id=user_id, choice=choice, subject=subject[:200], body=body
    )
    transaction.on_commit(partial(wake_worker, notice.pk))


def wake_worker(notice_id: UUID) -> None:
    """Ask a worker to deliver the notice now. Never fails: without a broker, the periodic task delivers it."""
    try:
        current_app.send_task("billing.tasks.deliver_notice", [str(notice_id)], retry=False)
    except Exception:
        logger.warning("notice %s is left to the periodic task", notice_id, exc_info=True)


def deliver(notice_id: UUID) -> bool:
    """Send the notice if it is due. Return False if the mail server refused it. Safe to repeat."""
    notice = Notice.objects.select_related("user", "choice").filter(pk=notice_id, due_at__lte=timezone.now()).first()
    if notice is None:
        return True
    delay = RETRY_DELAYS[notice.tries]
    unclaimed = Notice.objects.filter(pk=notice_id, due_at=notice.due_at)
    if not unclaimed.update(due_at=timezone.now() + delay if delay else None, tries=notice.tries + 1):
        return True  # another process is delivering it
    if _is_still_wanted(notice):
        try:
            _email(notice).send()
        except Exception as error:  # a mail backend may raise anything
            logger.exception("notice %s not sent, %s", notice.pk, f"next try in {delay}" if delay else "giving up")
            Notice.objects.filter(pk=notice_id).update(error=f"{type(error).__name__}: {error}"[:300])
            return False
    Notice.objects.filter(pk=notice_id).delete()
    return True


def deliver_due() -> None:
    """Deliver the notices that are due. Stops at the first failure: the others would wait for the same timeout."""
    due = Notice.objects.filter(due_at__lte=timezone.now()).order_by("due_at").values_list("pk", flat=True)
    for notice_id in list(due[:BATCH]):
        if not deliver(notice_id):
            break


def delete_undeliverable() -> int:
    """Delete notices that could not be sent and are older than `RETENTION`. Return their number."""
    return Notice.objects.filter(due_at=None, created_at__lt=timezone.now() - RETENTION).delete()[0]


def _email(notice: Notice) -> EmailMultiAlternatives:
    headers = {}
    if notice.choice:  # one click in a mail program ends them (RFC 8058)
        url = unsubscribing.url_of(notice.choice)
        headers = {"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
    return mail.build(notice.subject, notice.body, [notice.user.email], message_id=str(notice.pk), headers=headers)


def _is_still_wanted(notice: Notice) -> bool:
    """Whether the user may still get it: until it is turned off, and what is for admins only as one of them."""
    if notice.choice and not notice.choice.is_on:
        return False
    roles = Membership.objects.filter(user=notice.user_id, organisation__credit_account=notice.account_id)
    if notice.choice is None or notice.choice.kind in choices.FOR_ADMINS:
        roles = roles.filter(role=Membership.Role.ADMIN)
    return notice.user.is_active and roles.exists()
