"""Emails to members whom an admin removes, or gives another role."""

from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction
from django.urls import reverse

from accounts.models import Membership, Organisation, User
from accounts.sign_in import notices
from common.clock import utc_now
from common.naming.names import clean_name

from .signals import member_left, role_changed

__all__ = ["connect_signals"]


def connect_signals() -> None:
    """Report what others do to a membership. What members do themselves they know."""
    member_left.connect(_on_member_left, dispatch_uid="accounts.organisations.left")
    role_changed.connect(_on_role_changed, dispatch_uid="accounts.organisations.role")


def _on_member_left(organisation: Organisation, user: User, heir: User | None, actor: User | None, **_: Any) -> None:
    if actor is not None:
        keys = f"given to {heir.email}" if heir else "disabled"
        _send("removed", organisation, user, actor, {"keys": keys})


def _on_role_changed(organisation: Organisation, user: User, role: str, actor: User | None, **_: Any) -> None:
    if actor != user:
        _send("role_changed", organisation, user, actor, {"role": role, "is_admin": role == Membership.Role.ADMIN})


def _send(what: str, organisation: Organisation, user: User, actor: User | None, context: dict[str, Any]) -> None:
    facts = context | {
        "timestamp": utc_now().isoformat(),
        "organisation_name": clean_name(organisation.name),
        "by": actor.email if actor else f"an operator of {settings.SITE_NAME}",
        "organization_url": settings.SITE_URL + reverse("accounts:organization"),
    }
    transaction.on_commit(partial(notices.send, user, f"organisations/mail/{what}", facts))
