"""`/api/v1/organization/members`: the members of an organization and their roles."""

from typing import Annotated

from django.http import HttpResponse
from ninja import Query, Router

from accounts.models import Membership
from api.account.schemas import organization as schemas
from api.responses import KeyRequest, json_response, organisation_of
from common.errors import NotFound

router = Router(tags=["Organization"])

Offset = Annotated[int | None, Query(ge=0, le=2**31)]
Limit = Annotated[int, Query(ge=1, le=100)]


@router.get(
    "/organization/members",
    response={200: schemas.Members, 404: None},
    operation_id="listOrganizationMembers",
    summary="List organization members",
)
def list_members(request: KeyRequest, offset: Offset = 0, limit: Limit = 50) -> HttpResponse:
    """Return members from `offset`, by the time they joined, and how many there are. 404 for a personal account."""
    organisation = organisation_of(request)
    if not organisation.is_shared:
        raise NotFound("This is the key of a personal account, which has no members.")
    start = offset or 0
    members = organisation.memberships.select_related("user").order_by("created_at", "pk")
    page = [_member_json(member) for member in members[start : start + limit]]
    return json_response({"data": page, "total_count": members.count()})


def _member_json(membership: Membership) -> dict[str, str | None]:
    first, _, last = membership.user.name.partition(" ")
    return {
        "id": membership.user.public_id,
        "email": membership.user.email,
        "first_name": first or None,
        "last_name": last.strip() or None,
        "role": f"org:{membership.role}",
    }
