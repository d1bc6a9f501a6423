"""The public interface of `accounts`: the organization of a request, and the permissions of its user.

Every view starts with one of these calls. Objects of other organizations give 404, as if they did not exist.
"""

from django.core.exceptions import PermissionDenied
from django.http import Http404

from common.web.http import AuthedRequest

from .models import Membership, Organisation, PrivacySettings, User

__all__ = [
    "chosen_of",
    "for_admin",
    "for_member",
    "is_admin",
    "open_personal_organisation",
    "organisations_of",
    "personal_name",
    "privacy_of",
    "switch_to",
]

#: Session key of the organization that the user has switched to.
SESSION_ORGANISATION = "organisation"


def for_member(request: AuthedRequest) -> Organisation:
    """Return the organization that the user has switched to, or else their personal one."""
    chosen = request.session.get(SESSION_ORGANISATION)
    if chosen is not None:
        membership = Membership.objects.filter(user=request.user, organisation__public_id=chosen)
        if found := membership.select_related("organisation").first():
            return found.organisation
        del request.session[SESSION_ORGANISATION]  # no longer a member
    return open_personal_organisation(request.user)


def for_admin(request: AuthedRequest) -> Organisation:
    """Return the organization as `for_member` does. Raises PermissionDenied (403) unless the user is an admin of it."""
    organisation = for_member(request)
    if not is_admin(request.user, organisation):
        raise PermissionDenied("Only admins of the organization can do this.")
    return organisation


def switch_to(request: AuthedRequest, organisation: Organisation) -> None:
    """Make `for_member` return this organization in the requests of this session."""
    request.session[SESSION_ORGANISATION] = organisation.public_id


def organisations_of(user: User) -> list[Organisation]:
    """Return the organizations that the user may switch to: the personal one, then the others by name."""
    found = Organisation.objects.filter(memberships__user=user).order_by("name", "pk")
    return sorted(found, key=lambda organisation: organisation.personal_of_id != user.pk)


def chosen_of(request: AuthedRequest, organisations: list[Organisation]) -> Organisation:
    """Return the organization as `for_member` does, without a query if it is one of these: `organisations_of`."""
    chosen = request.session.get(SESSION_ORGANISATION)
    found = (each for each in organisations if each.public_id == chosen)
    personal = (each for each in organisations if each.personal_of_id == request.user.pk)
    return next(found, None) or next(personal, None) or for_member(request)


def is_admin(user: User, organisation: Organisation) -> bool:
    """Return whether the user manages the organization's money, settings and all its keys."""
    return Membership.objects.filter(user=user, organisation=organisation, role=Membership.Role.ADMIN).exists()


def open_personal_organisation(user: User) -> Organisation:
    """Return the user's personal organization, created on first use. Raises Http404 for anonymous users."""
    if not user.is_authenticated:
        raise Http404
    organisation, created = Organisation.objects.get_or_create(personal_of=user, defaults={"name": personal_name(user)})
    if created:
        Membership.objects.get_or_create(organisation=organisation, user=user, defaults={"role": Membership.Role.ADMIN})
    return organisation


def personal_name(user: User) -> str:
    """Return the name of the user's personal organization: theirs, or the part of their address before the @."""
    return user.name or user.email.partition("@")[0][:100]


def privacy_of(organisation: Organisation) -> PrivacySettings:
    """Return the organization's privacy settings; unsaved strict ones if it has saved none."""
    return PrivacySettings.objects.filter(organisation=organisation).first() or PrivacySettings(
        organisation=organisation
    )
