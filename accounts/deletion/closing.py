"""Ending an account: one transaction after which it is of no use, and which removes the person from the database."""

import logging
from collections.abc import Sequence
from functools import partial

from allauth.account.models import EmailAddress
from django.db import transaction

from accounts.models import AccountDeletion, Membership, Organisation, User
from common import encryption

from . import erasing
from .leaving import Leaving, account_deleted, locking

__all__ = ["Refused", "close", "closed_with", "obstacles"]

logger = logging.getLogger(__name__)

OPERATOR = "Operator accounts can't be deleted. Ask another operator to remove your operator rights first."


class Refused(Exception):
    """The account can't be deleted yet; `reasons` are sentences for the person."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__(" ".join(reasons))
        self.reasons = reasons


def closed_with(user: User) -> list[Organisation]:
    """Return the organizations that are closed with the account: the personal one, and those without other members."""
    return [each for each in _organisations_of(user) if each.personal_of_id == user.pk or not _others(each, user)]


def obstacles(user: User) -> list[str]:
    """Return why the account can't be deleted now, a sentence each; empty if it can."""
    found = [OPERATOR] if user.is_staff or user.is_superuser else []
    for organisation in _organisations_of(user):
        others = _others(organisation, user)
        if others and organisation.personal_of_id == user.pk:
            found.append(f"Your personal organization {organisation.name} has other members. Remove them first.")
        elif others and _is_admin(organisation, user) and not _has_another_admin(others):
            found.append(f"{organisation.name} has other members. Make one of them an admin first.")
    return found


@transaction.atomic
def close(user: User, *, by_operator: bool = False) -> AccountDeletion:
    """End the account and return its deletion, which the worker finishes; the earlier one if it was ended before.

    Raises Refused if there are obstacles; nothing has changed then.
    """
    user = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if earlier := AccountDeletion.objects.filter(user=user).first():
        return earlier
    # With the organizations locked, two last admins can't leave at the same moment.
    mine = Membership.objects.filter(user=user).values("organisation")
    list(Organisation.objects.select_for_update(no_key=True).filter(pk__in=mine).order_by("pk"))
    if reasons := obstacles(user):
        raise Refused(reasons)
    leaving = _begin(user, by_operator=by_operator)
    locking.send(User, leaving=leaving)
    account_deleted.send(User, leaving=leaving)
    erasing.erase(leaving)
    logger.info("account deleted: user %s", user.pk)
    transaction.on_commit(partial(_wake_worker, leaving.deletion.pk))
    return leaving.deletion


def _begin(user: User, *, by_operator: bool) -> Leaving:
    """Record the deletion, with the address for the confirmation, and who leaves."""
    rows = EmailAddress.objects.filter(user=user)
    closed = closed_with(user)
    left = Membership.objects.filter(user=user).exclude(organisation__in=closed)
    deletion = AccountDeletion.objects.create(
        user=user, by_operator=by_operator, farewell_to=encryption.encrypt(user.email)
    )
    deletion.organisations.set(closed)
    return Leaving(
        user=user,
        deletion=deletion,
        addresses=tuple({user.email.lower(), *(row.email.lower() for row in rows)}),
        verified=tuple(row.email.lower() for row in rows if row.verified),
        organisations=tuple(closed),
        left_ids=tuple(left.values_list("organisation", flat=True)),
    )


def _wake_worker(deletion_id: int) -> None:
    from accounts import tasks  # imports this module

    try:
        tasks.finish_deletion.apply_async((deletion_id,), retry=False)
    except Exception:  # the broker is down: the periodic task finishes it
        logger.warning("deletion %s is left to the periodic task", deletion_id, exc_info=True)


def _organisations_of(user: User) -> list[Organisation]:
    return list(Organisation.objects.filter(memberships__user=user).order_by("pk"))


def _others(organisation: Organisation, user: User) -> Sequence[Membership]:
    return list(organisation.memberships.exclude(user=user).select_related("user"))


def _is_admin(organisation: Organisation, user: User) -> bool:
    return organisation.memberships.filter(user=user, role=Membership.Role.ADMIN).exists()


def _has_another_admin(others: Sequence[Membership]) -> bool:
    return any(each.role == Membership.Role.ADMIN and each.user.is_active for each in others)
