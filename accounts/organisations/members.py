"""Creating and deleting organizations, and changing their members.

Every change locks the organization's row first and then reads the roles again, so that of two changes that exclude
each other one is refused: an organization always has an admin.
"""

from datetime import timedelta

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import Http404

from accounts.models import Membership, Organisation, User
from common.clock import utc_now, window_start
from common.money import PicoUsd

from .signals import Refused, member_left, organisation_deleted, role_changed

__all__ = ["change_role", "create", "delete", "hand_over", "leave", "lock", "membership_of", "remove", "rename",
           "set_limit"]  # fmt: skip

#: Organizations that a user may create, and the time until a deleted one no longer counts.
MAX_CREATED = 5
COUNTED = timedelta(days=30)

ADMIN, MEMBER = Membership.Role.ADMIN, Membership.Role.MEMBER
LAST_ADMIN = "An organization needs an admin. Make another member an admin first, or delete the organization."


@transaction.atomic
def create(user: User, name: str) -> Organisation:
    """Return a new organization with the user as its admin.

    Refused without a verified email address, or if the user has created too many.
    """
    User.objects.select_for_update(no_key=True).get(pk=user.pk)  # two at once must not both be the last allowed
    if not user.emailaddress_set.filter(verified=True).exists():
        raise Refused("Verify your email address before you create an organization. Open Profile to get a new link.")
    created = Organisation.objects.filter(created_by=user, personal_of=None)
    if created.filter(deleted_at=None).count() + created.filter(deleted_at__gt=utc_now() - COUNTED).count() >= (
        MAX_CREATED
    ):
        raise Refused(f"You can create up to {MAX_CREATED} organizations. Contact {settings.SUPPORT_EMAIL} for more.")
    organisation = Organisation.objects.create(name=name, created_by=user)
    Membership.objects.create(organisation=organisation, user=user, role=ADMIN)
    return organisation


@transaction.atomic
def rename(organisation: Organisation, actor: User, name: str) -> None:
    """Rename the organization. PermissionDenied unless the actor is an admin."""
    locked = lock(organisation, actor)
    locked.name = name
    locked.save(update_fields=["name"])


@transaction.atomic
def change_role(organisation: Organisation, actor: User | None, member: User, role: str) -> None:
    """Give a member another role. Refused for the last admin; PermissionDenied unless the actor is an admin.

    Without an actor, an operator does it.
    """
    locked = lock(organisation, actor)
    membership = membership_of(locked, member)
    if membership.role == role:
        return
    if role != ADMIN:
        _keep_an_admin(locked, without=member)
    membership.role = role
    membership.save(update_fields=["role"])
    role_changed.send(Organisation, organisation=locked, user=member, role=role, actor=actor)


@transaction.atomic
def set_limit(organisation: Organisation, actor: User, member: User, limit: PicoUsd | None, reset: str) -> None:
    """Limit what a member may spend (pico-USD) in each window of `reset`, or in all if it is empty; None: no limit.

    A first limit, and another interval, count from now. PermissionDenied unless the actor is an admin.
    """
    locked = lock(organisation, actor)
    # Lock the row and write only these columns: a request of the member may be settling at the same time.
    membership = locked.memberships.select_for_update(no_key=True).filter(user=member).first()
    if membership is None:
        raise Http404
    if membership.spend_limit is None or membership.limit_reset != reset:
        membership.window_usage = 0
        membership.window_started_at = window_start(reset, utc_now()) if reset else utc_now()
    membership.spend_limit = limit
    membership.limit_reset = reset
    membership.save(update_fields=["spend_limit", "limit_reset", "window_usage", "window_started_at"])


@transaction.atomic
def hand_over(organisation: Organisation, actor: User, member: User) -> None:
    """Make the member an admin and the actor, an admin, a member."""
    change_role(organisation, actor, member, ADMIN)
    change_role(organisation, actor, actor, MEMBER)


@transaction.atomic
def remove(organisation: Organisation, actor: User, member: User, heir: User | None) -> None:
    """Remove a member. The keys they created are disabled, or belong to `heir`, an admin, from now on.

    Refused for the last admin; PermissionDenied unless the actor is an admin.
    """
    _remove(lock(organisation, actor), member, heir, actor)


@transaction.atomic
def leave(organisation: Organisation, user: User, heir: User | None) -> None:
    """Remove the user, who wants to leave. Like `remove`."""
    _remove(lock(organisation), user, heir, None)


@transaction.atomic
def delete(organisation: Organisation, actor: User) -> None:
    """Delete the organization: members, invitations and keys are gone, running requests end and are charged.

    Its money rows stay. Refused if a receiver has a reason; PermissionDenied unless the actor is an admin.
    """
    locked = lock(organisation, actor)
    locked.deleted_at = utc_now()
    locked.save(update_fields=["deleted_at"])
    organisation_deleted.send(Organisation, organisation=locked)
    locked.invitations.all().delete()
    locked.memberships.all().delete()


def lock(organisation: Organisation, admin: User | None = None) -> Organisation:
    """Return the organization with its row locked, in a transaction.

    Refused for a personal account; Http404 if it is deleted; PermissionDenied if `admin` is not an admin of it.
    """
    locked = Organisation.objects.select_for_update(no_key=True).filter(pk=organisation.pk, deleted_at=None).first()
    if locked is None:
        raise Http404
    if not locked.is_shared:
        raise Refused("A personal account has no members. Create an organization to share credits and keys.")
    if admin is not None and not locked.memberships.filter(user=admin, role=ADMIN).exists():
        raise PermissionDenied("Only admins of the organization can do this.")
    return locked


def membership_of(organisation: Organisation, user: User) -> Membership:
    """Return the user's membership. Raises Http404 if there is none."""
    membership = organisation.memberships.filter(user=user).first()
    if membership is None:
        raise Http404
    return membership


def _remove(locked: Organisation, member: User, heir: User | None, actor: User | None) -> None:
    membership = membership_of(locked, member)
    _keep_an_admin(locked, without=member)
    if heir is not None and (heir == member or not locked.memberships.filter(user=heir, role=ADMIN).exists()):
        raise Refused("Keys can be handed over to an admin of the organization only. Choose another admin.")
    membership.delete()
    member_left.send(Organisation, organisation=locked, user=member, heir=heir, actor=actor)


def _keep_an_admin(locked: Organisation, *, without: User) -> None:
    if not locked.memberships.filter(role=ADMIN, user__is_active=True).exclude(user=without).exists():
        raise Refused(LAST_ADMIN)
