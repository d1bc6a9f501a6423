"""Invitations by email: made, sent, accepted and revoked.

The token in an email is derived from the invitation and the secret key of the site; only its hash is stored. An
invitation can be accepted once, and only by a user with the invited address, verified.
"""

import hashlib
import logging
import secrets
from datetime import timedelta
from functools import partial

from celery import current_app
from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.crypto import salted_hmac

from accounts import reader
from accounts.models import Invitation, Membership, Organisation, User
from common.clock import utc_now
from common.email import mail
from common.naming.names import clean_name

from . import members
from .signals import Refused

__all__ = [
    "LIFETIME",
    "accept",
    "deliver",
    "deliver_due",
    "find",
    "for_user",
    "invite",
    "is_invited",
    "open_invitations",
    "resend",
    "revoke",
    "token_of",
]

logger = logging.getLogger(__name__)

#: An invitation must be accepted within this time.
LIFETIME = timedelta(days=7)
#: The time between two emails of one invitation.
RESEND_INTERVAL = timedelta(minutes=5)
#: Delay after each try to send an email; None after the last one.
RETRY_DELAYS = (timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=6), None)
#: Emails that one run of the periodic task sends.
BATCH = 100


def open_invitations(organisation: Organisation) -> QuerySet[Invitation]:
    """Return the invitations that are neither accepted nor revoked, expired ones included, newest first."""
    return organisation.invitations.select_related("invited_by").order_by("-sent_at", "-pk")


def for_user(user: User) -> list[Invitation]:
    """Return the invitations that the user can accept now: those to an address that they have verified."""
    verified = [address.email.lower() for address in user.emailaddress_set.filter(verified=True)]
    found = Invitation.objects.filter(email__in=verified, expires_at__gt=utc_now())
    return list(found.select_related("organisation", "invited_by").order_by("-sent_at"))


def find(token: str) -> Invitation | None:
    """Return the invitation of this token; None if there is none, or if it is used, revoked or expired."""
    found = Invitation.objects.filter(token_hash=_hash(token), expires_at__gt=utc_now())
    return found.select_related("organisation", "invited_by").first()


def is_invited(user: User, invitation: Invitation) -> bool:
    """Return whether the user has verified the invited address."""
    return user.emailaddress_set.filter(email__iexact=invitation.email, verified=True).exists()


@transaction.atomic
def invite(organisation: Organisation, actor: User, email: str, role: str) -> Invitation:
    """Invite an address and send the email once the surrounding transaction commits.

    An earlier invitation of the address is replaced, so its link no longer works. Refused for a member, and if the
    organization has no place left; PermissionDenied unless the actor is an admin.
    """
    locked = members.lock(organisation, actor)
    email = email.lower()
    if locked.members.filter(emailaddress__email__iexact=email, emailaddress__verified=True).exists():
        raise Refused(f"{email} is already a member.")
    earlier = locked.invitations.filter(email=email).first()
    if earlier is not None:
        _require_pause(earlier)
        earlier.delete()
    taken = locked.memberships.count() + locked.invitations.filter(expires_at__gt=utc_now()).count()
    if taken >= settings.ORGANISATION_MAX_MEMBERS:
        raise Refused(
            f"An organization can have up to {settings.ORGANISATION_MAX_MEMBERS} members, open invitations included. "
            f"Revoke one, or contact {settings.SUPPORT_EMAIL}."
        )
    invitation = Invitation(organisation=locked, email=email, role=role, invited_by=actor)
    _renew(invitation)
    return invitation


@transaction.atomic
def resend(organisation: Organisation, actor: User, invitation_id: int) -> Invitation:
    """Send the email of an invitation again, with a new link and a new expiry. Refused if there is none."""
    locked = members.lock(organisation, actor)
    invitation = locked.invitations.filter(pk=invitation_id).first()
    if invitation is None:
        raise Refused("This invitation has been accepted or revoked.")
    _require_pause(invitation)
    invitation.invited_by = actor
    _renew(invitation)
    return invitation


@transaction.atomic
def revoke(organisation: Organisation, actor: User | None, invitation_id: int) -> bool:
    """Revoke an invitation: its link no longer works. Return whether there was one.

    PermissionDenied unless the actor is an admin. Without an actor, an operator does it.
    """
    return bool(members.lock(organisation, actor).invitations.filter(pk=invitation_id).delete()[0])


@transaction.atomic
def accept(invitation: Invitation, user: User) -> Organisation:
    """Make the user a member and return the organization. The invitation is used up.

    Refused if it is used, revoked, expired or for another address, or if the organization has no place left.
    """
    organisation = members.lock(invitation.organisation)
    current = organisation.invitations.filter(pk=invitation.pk, nonce=invitation.nonce).first()
    if current is None or current.expires_at <= utc_now():
        raise Refused("This invitation is no longer valid. Ask an admin of the organization for a new one.")
    if not is_invited(user, current):
        raise Refused(f"This invitation is for {current.email}. Sign in with that address, or add it to your profile.")
    if not organisation.memberships.filter(user=user).exists():
        if organisation.memberships.count() >= settings.ORGANISATION_MAX_MEMBERS:
            raise Refused("The organization has no place left. Ask an admin to remove a member first.")
        Membership.objects.create(organisation=organisation, user=user, role=current.role)
    current.delete()
    return organisation


# --- Emails -----------------------------------------------------------------------------------------


def token_of(invitation: Invitation) -> str:
    """Return the token in the invitation's email."""
    secret = salted_hmac("accounts.invitation", f"{invitation.nonce}:{invitation.email}", algorithm="sha256")
    return secret.hexdigest()


def deliver(invitation_id: int) -> bool:
    """Send the email of an invitation if it is due. Return False if the mail server refused it. Safe to repeat."""
    now = utc_now()
    found = Invitation.objects.filter(pk=invitation_id, due_at__lte=now, expires_at__gt=now)
    invitation = found.select_related("organisation", "invited_by").first()
    if invitation is None:
        return True
    delay = RETRY_DELAYS[min(invitation.tries, len(RETRY_DELAYS) - 1)]
    claimed = Invitation.objects.filter(pk=invitation_id, due_at=invitation.due_at, nonce=invitation.nonce)
    # Moving the due date claims the email: another process that is sending it finds it gone. The hash is that of the
    # token to be sent, even if the site has got another secret key since.
    token_hash = _hash(token_of(invitation))
    if not claimed.update(due_at=now + delay if delay else None, tries=F("tries") + 1, token_hash=token_hash):
        return True
    try:
        _send(invitation)
    except Exception:  # a mail backend may raise anything
        logger.exception("invitation %s not sent, %s", invitation_id, f"next try in {delay}" if delay else "giving up")
        return False
    Invitation.objects.filter(pk=invitation_id, nonce=invitation.nonce).update(due_at=None)
    return True


def deliver_due() -> None:
    """Send the emails that are due. Stops at the first failure: the others would wait for the same timeout."""
    due = Invitation.objects.filter(due_at__lte=utc_now()).order_by("due_at").values_list("pk", flat=True)
    for invitation_id in list(due[:BATCH]):
        if not deliver(invitation_id):
            break


def _renew(invitation: Invitation) -> None:
    """Save the invitation with a new token and expiry, and let its email be sent."""
    now = utc_now()
    invitation.nonce = secrets.token_hex(16)
    invitation.token_hash = _hash(token_of(invitation))
    invitation.sent_at = invitation.due_at = now
    invitation.tries = 0
    invitation.expires_at = now + LIFETIME
    invitation.save()
    transaction.on_commit(partial(_wake_worker, invitation.pk))


def _require_pause(invitation: Invitation) -> None:
    if utc_now() < invitation.sent_at + RESEND_INTERVAL:
        raise Refused(f"{invitation.email} was emailed a moment ago. You can send another email in a few minutes.")


def _wake_worker(invitation_id: int) -> None:
    """Ask a worker to send the email now. Never fails: without a broker, the periodic task sends it."""
    try:
        current_app.send_task("accounts.tasks.deliver_invitation", [invitation_id], retry=False)
    except Exception:
        logger.warning("invitation %s is left to the periodic task", invitation_id, exc_info=True)


def _send(invitation: Invitation) -> None:
    inviter = invitation.invited_by
    user = User.objects.filter(emailaddress__email__iexact=invitation.email, emailaddress__verified=True).first()
    organisation = clean_name(invitation.organisation.name)
    with reader.reading(user):
        text = render_to_string(
            "organisations/mail/invitation.txt",
            {
                "invitation": invitation,
                "organisation_name": organisation,
                "inviter_name": clean_name(inviter.name) if inviter else "",
                "inviter_email": inviter.email if inviter else "",
                "url": settings.SITE_URL + reverse("accounts:invitation", args=[token_of(invitation)]),
                "site_name": settings.SITE_NAME,
                "support_email": settings.SUPPORT_EMAIL,
            },
        )
    subject = f"Join {organisation} on {settings.SITE_NAME}"
    mail.build(subject, text, [invitation.email], message_id=f"invitation-{invitation.nonce}").send()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
