"""The destinations of organizations that are deleted."""

from typing import Any

from accounts.models import Organisation
from accounts.organisations.signals import organisation_deleted
from broadcast.models import Destination

__all__ = ["connect_signals"]


def connect_signals() -> None:
    """Delete the destinations of an organization with it. Those of deleted accounts go with their rows."""
    organisation_deleted.connect(_on_organisation_deleted, dispatch_uid="broadcast.organisation-deleted")


def _on_organisation_deleted(organisation: Organisation, **_: Any) -> None:
    Destination.objects.of(organisation).delete()
