"""The door of `accounts`: who is asking, for which organisation, and may they?

A view's first line is one of these calls. What a caller may not see does not exist: 404.
"""

from django.core.exceptions import PermissionDenied
from django.http import Http404

from common.http import AuthedRequest

from .models import Membership, Organisation, PrivacySettings, User

__all__ = ["for_admin", "for_member", "is_admin", "open_personal_organisation", "privacy_of"]

#: Session key of the organisation that the person has switched to.
SESSION_ORGANISATION = "organisation"


def for_member(request: AuthedRequest) -> Organisation:
    """The organisation the person is working in: the one they switched to, else their own."""
    chosen = request.session.get(SESSION_ORGANISATION)
    if chosen is not None:
        membership = Membership.objects.filter(user=request.user, organisation__public_id=chosen)
        if found := membership.select_related("organisation").first():
            return found.organisation
        del request.session[SESSION_ORGANISATION]  # no longer a member
    return open_personal_organisation(request.user)


def for_admin(request: AuthedRequest) -> Organisation:
    """As `for_member`; PermissionDenied (403) unless the person is an admin there."""
    organisation = for_member(request)
    if not is_admin(request.user, organisation):
        raise PermissionDenied("Only an admin of the organisation can do this.")
    return organisation


def is_admin(user: User, organisation: Organisation) -> bool:
    """Whether the person manages the organisation's money, settings and everybody's keys."""
    return Membership.objects.filter(user=user, organisation=organisation, role=Membership.Role.ADMIN).exists()


def open_personal_organisation(user: User) -> Organisation:
    """The person's own organisation, made on first use. Http404 for somebody not signed in."""
    if not user.is_authenticated:
        raise Http404
    organisation, created = Organisation.objects.get_or_create(
        personal_of=user, defaults={"name": user.name or user.email.partition("@")[0]}
    )
    if created:
        Membership.objects.get_or_create(organisation=organisation, user=user, defaults={"role": Membership.Role.ADMIN})
    return organisation


def privacy_of(organisation: Organisation) -> PrivacySettings:
    """The organisation's privacy settings; the strictest ones when it has chosen none."""
    return PrivacySettings.objects.filter(organisation=organisation).first() or PrivacySettings(
        organisation=organisation
    )
