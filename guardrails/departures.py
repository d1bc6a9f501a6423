"""The guardrails of members who leave an organization, and of organizations that are deleted."""

from typing import Any

from accounts.models import Organisation, User
from accounts.organisations import signals

from . import saving

__all__ = ["connect_signals"]


def connect_signals() -> None:
    """Act on members who leave and on deleted organizations. A deleted key keeps its assignment, unseen."""
    signals.member_left.connect(_on_member_left, dispatch_uid="guardrails.member-left")
    signals.organisation_deleted.connect(_on_organisation_deleted, dispatch_uid="guardrails.organisation-deleted")


def _on_member_left(organisation: Organisation, user: User, **_: Any) -> None:
    """End the guardrail of a member with the membership. Those of their keys stay with the keys."""
    saving.forget_member(organisation, user)


def _on_organisation_deleted(organisation: Organisation, **_: Any) -> None:
    saving.forget_organisation(organisation)
