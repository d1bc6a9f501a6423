"""The keys of members who leave an organization, and of organizations that are deleted."""

from typing import Any

from django.db.models import QuerySet

from accounts.models import Membership, Organisation, User
from accounts.organisations import signals
from common.clock import utc_now
from keys import issuing
from keys.models import ApiKey, AuthorizationCode, OwnProviderKey
from keys.provider_keys import changing

__all__ = ["connect_signals"]


def connect_signals() -> None:
    """Act on members who leave or lose the role of an admin, and on deleted organizations."""
    signals.member_left.connect(_on_member_left, dispatch_uid="keys.member-left")
    signals.role_changed.connect(_on_role_changed, dispatch_uid="keys.role-changed")
    signals.organisation_deleted.connect(_on_organisation_deleted, dispatch_uid="keys.organisation-deleted")


def _on_member_left(organisation: Organisation, user: User, heir: User | None, **_: Any) -> None:
    """Disable the keys that the user created, or give them to the heir. Apps get no key for a consent any more."""
    AuthorizationCode.objects.filter(organisation=organisation, user=user).delete()
    changing.forget_member(OwnProviderKey.objects.of(organisation), user.public_id)
    keys = ApiKey.objects.of(organisation).filter(created_by=user)
    if heir is None:
        _disable(keys)
    else:
        keys.update(created_by=heir, updated_at=utc_now())


def _on_role_changed(organisation: Organisation, user: User, role: str, **_: Any) -> None:
    """Disable the management keys that a former admin created: they may do what only admins may."""
    if role != Membership.Role.ADMIN:
        _disable(ApiKey.objects.of(organisation).filter(created_by=user, is_management=True))


def _on_organisation_deleted(organisation: Organisation, **_: Any) -> None:
    AuthorizationCode.objects.filter(organisation=organisation).delete()
    for key in ApiKey.objects.of(organisation):
        issuing.delete(key)
    for provider_key in OwnProviderKey.objects.of(organisation):
        changing.delete(provider_key)


def _disable(keys: "QuerySet[ApiKey]") -> None:
    for key in keys.filter(disabled=False):
        issuing.update(key, disabled=True)
