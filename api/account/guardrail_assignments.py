"""`/api/v1/guardrails/assignments`, `/guardrails/{id}/assignments`: the keys and members that guardrails apply to."""

from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field, StringConstraints

from accounts.models import User
from api.account.schemas import guardrails as schemas
from api.responses import KeyRequest, json_response, organisation_of
from guardrails import saving
from guardrails.models import Assignment, AssignmentQuerySet

from .guardrails import guardrail_of

router = Router(tags=["Guardrails"])

Offset = Annotated[int | None, Query(ge=0, le=2**31)]
PageSize = Annotated[int, Query(ge=1, le=100)]
Ids = Annotated[list[Annotated[str, StringConstraints(min_length=1)]], Field(min_length=1)]


class KeyHashes(Schema):
    """Hashes of API keys."""

    key_hashes: Ids


class MemberIds(Schema):
    """IDs of members; a personal account has one, its owner."""

    member_user_ids: Ids


@router.get(
    "/guardrails/assignments/keys",
    response=schemas.KeyAssignments,
    operation_id="listKeyAssignments",
    summary="List all key assignments",
)
def list_key_assignments(request: KeyRequest, offset: Offset = 0, limit: PageSize = 50) -> HttpResponse:
    """Return the keys of all guardrails from `offset`, latest assignment first, and how many there are."""
    return _of_keys(Assignment.objects.of(organisation_of(request)), offset, limit)


@router.get(
    "/guardrails/assignments/members",
    response=schemas.MemberAssignments,
    operation_id="listMemberAssignments",
    summary="List all member assignments",
)
def list_member_assignments(request: KeyRequest, offset: Offset = 0, limit: PageSize = 50) -> HttpResponse:
    """Return the members of all guardrails from `offset`, latest assignment first, and how many there are."""
    return _of_members(Assignment.objects.of(organisation_of(request)), offset, limit)


@router.get(
    "/guardrails/{id}/assignments/keys",
    response=schemas.KeyAssignments,
    operation_id="listGuardrailKeyAssignments",
    summary="List key assignments of a guardrail",
)
def list_keys_of(request: KeyRequest, id: str, offset: Offset = 0, limit: PageSize = 50) -> HttpResponse:  # noqa: A002 the parameter's public name
    """Return the guardrail's keys from `offset`, latest assignment first, and how many there are."""
    return _of_keys(_assignments(request, id), offset, limit)


@router.get(
    "/guardrails/{id}/assignments/members",
    response=schemas.MemberAssignments,
    operation_id="listGuardrailMemberAssignments",
    summary="List member assignments of a guardrail",
)
def list_members_of(request: KeyRequest, id: str, offset: Offset = 0, limit: PageSize = 50) -> HttpResponse:  # noqa: A002 the parameter's public name
    """Return the guardrail's members from `offset`, latest assignment first, and how many there are."""
    return _of_members(_assignments(request, id), offset, limit)


@router.post(
    "/guardrails/{id}/assignments/keys",
    response=schemas.AssignedCount,
    operation_id="bulkAssignKeysToGuardrail",
    summary="Assign keys to a guardrail",
)
def assign_keys(request: KeyRequest, id: str, wanted: KeyHashes) -> HttpResponse:  # noqa: A002 the parameter's public name
    """Assign the guardrail to keys, in place of any other. All or none: 404 if one does not exist."""
    guardrail = guardrail_of(organisation := organisation_of(request), id)
    keys = saving.keys_named(organisation, wanted.key_hashes)
    return json_response({"assigned_count": saving.assign(guardrail, _creator(request), keys=keys)})


@router.post(
    "/guardrails/{id}/assignments/members",
    response=schemas.AssignedCount,
    operation_id="bulkAssignMembersToGuardrail",
    summary="Assign members to a guardrail",
)
def assign_members(request: KeyRequest, id: str, wanted: MemberIds) -> HttpResponse:  # noqa: A002 the parameter's public name
    """Assign the guardrail to members, in place of any other. All or none: 404 if one is not a member."""
    guardrail = guardrail_of(organisation := organisation_of(request), id)
    members = saving.members_named(organisation, wanted.member_user_ids)
    return json_response({"assigned_count": saving.assign(guardrail, _creator(request), members=members)})


@router.post(
    "/guardrails/{id}/assignments/keys/remove",
    response=schemas.UnassignedCount,
    operation_id="bulkUnassignKeysFromGuardrail",
    summary="Unassign keys from a guardrail",
)
def unassign_keys(request: KeyRequest, id: str, wanted: KeyHashes) -> HttpResponse:  # noqa: A002 the parameter's public name
    """Take the guardrail from keys. Keys that do not have it are not counted."""
    guardrail = guardrail_of(organisation := organisation_of(request), id)
    keys = saving.keys_named(organisation, wanted.key_hashes, or_deleted=True)
    return json_response({"unassigned_count": saving.unassign(guardrail, keys=keys)})


@router.post(
    "/guardrails/{id}/assignments/members/remove",
    response=schemas.UnassignedCount,
    operation_id="bulkUnassignMembersFromGuardrail",
    summary="Unassign members from a guardrail",
)
def unassign_members(request: KeyRequest, id: str, wanted: MemberIds) -> HttpResponse:  # noqa: A002 the parameter's public name
    """Take the guardrail from members. Members that do not have it are not counted."""
    guardrail = guardrail_of(organisation := organisation_of(request), id)
    members = saving.members_named(organisation, wanted.member_user_ids)
    return json_response({"unassigned_count": saving.unassign(guardrail, members=members)})


def _assignments(request: KeyRequest, public_id: str) -> AssignmentQuerySet:
    organisation = organisation_of(request)
    return Assignment.objects.of(organisation).filter(guardrail=guardrail_of(organisation, public_id))


def _creator(request: KeyRequest) -> User | None:
    """Return the user that created the management key."""
    return User.objects.filter(pk=request.auth.created_by).first()


def _of_keys(found: AssignmentQuerySet, offset: int | None, limit: int) -> HttpResponse:
    found = found.filter(user=None).select_related("guardrail", "key", "assigned_by")
    return _page(found, offset, limit)


def _of_members(found: AssignmentQuerySet, offset: int | None, limit: int) -> HttpResponse:
    found = found.filter(key=None).select_related("guardrail", "user", "assigned_by", "organisation")
    return _page(found, offset, limit)


def _page(found: AssignmentQuerySet, offset: int | None, limit: int) -> HttpResponse:
    start = offset or 0
    page = found.order_by("-created_at", "-pk")[start : start + limit]
    return json_response({"data": [_assignment_json(each) for each in page], "total_count": found.count()})


def _assignment_json(assignment: Assignment) -> dict[str, Any]:
    shared = {
        "id": str(assignment.public_id),
        "guardrail_id": str(assignment.guardrail.public_id),
        "assigned_by": assignment.assigned_by.public_id if assignment.assigned_by else None,
        "created_at": assignment.created_at,
    }
    if (key := assignment.key) is not None:
        return shared | {"key_hash": key.hash, "key_name": key.name, "key_label": key.label}
    assert assignment.user is not None
    return shared | {"user_id": assignment.user.public_id, "organization_id": assignment.organisation.public_id}
