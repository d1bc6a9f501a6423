"""The door of `guardrails` for requests: what restricts a key, a member, or both."""

from django.db.models import Exists, OuterRef, Q

from .models import Assignment
from .rules import Restrictions, restrictions_of

__all__ = ["Restrictions", "any_assigned", "assignments_for", "restrictions_for"]


def any_assigned(organisation_pk: str = "pk") -> Exists:
    """Return the condition, for a query of organizations, that one has assigned a guardrail."""
    return Exists(Assignment.objects.filter(organisation=OuterRef(organisation_pk)))


def restrictions_for(organisation_id: int, key_id: int | None, user_id: int | None) -> tuple[Restrictions, ...]:
    """Return the restrictions of the key's guardrail and the member's. All of them apply. One query."""
    return tuple(restrictions_of(each.guardrail) for each in assignments_for(organisation_id, key_id, user_id))


def assignments_for(organisation_id: int, key_id: int | None, user_id: int | None) -> list[Assignment]:
    """Return the assignment of the key, then the member's, with their guardrails. One query."""
    of_either = Q(key=key_id) if key_id else Q()
    if user_id:
        of_either |= Q(user=user_id)
    if not of_either:
        return []
    found = Assignment.objects.filter(of_either, organisation=organisation_id).select_related("guardrail")
    return sorted(found, key=lambda each: each.key_id is None)
