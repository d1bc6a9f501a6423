"""`/api/v1/guardrails`: budgets and restrictions, as a management key manages them."""

from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpResponse
from ninja import Query, Router, Schema
from pydantic import Field, StringConstraints

from accounts.models import Organisation
from api.account.schemas import guardrails as schemas
from api.responses import KeyRequest, dollars, json_response, organisation_of
from common.errors import InvalidRequest, NotFound
from guardrails import saving
from guardrails.models import Guardrail

from .keys import in_pico, require_its_workspace

router = Router(tags=["Guardrails"])

Offset = Annotated[int | None, Query(ge=0, le=2**31)]
PageSize = Annotated[int, Query(ge=1, le=100)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Description = Annotated[str, StringConstraints(max_length=1000)]
Names = Annotated[
    list[Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]], Field(min_length=1)
]
Dollars = Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=12)]
#: Fields of the API that are stored under other names.
_STORED = {"limit_usd": "limit", "reset_interval": "limit_reset", "include_byok_in_budgets": "include_byok"}
#: Fields whose value is stored as it is.
_SAME = (
    "allowed_models",
    "ignored_models",
    "allowed_providers",
    "ignored_providers",
    "enforce_zdr",
    "enforce_zdr_anthropic",
    "enforce_zdr_openai",
    "enforce_zdr_google",
    "enforce_zdr_xai",
    "enforce_zdr_other",
    "enable_paid_model_training",
    "enable_free_model_training",
    "enable_free_model_publication",
)
_FILTERS = ("content_filters", "content_filter_builtins")


class _Settings(Schema):
    """The settings of a guardrail. `limit_usd` is in dollars; `enforce_zdr` stands for the groups that are left out."""

    description: Description | None = None
    limit_usd: Dollars | None = None
    reset_interval: Literal["daily", "weekly", "monthly"] | None = None
    allowed_models: Names | None = None
    ignored_models: Names | None = None
    allowed_providers: Names | None = None
    ignored_providers: Names | None = None
    enforce_zdr: bool | None = None
    enforce_zdr_anthropic: bool | None = None
    enforce_zdr_openai: bool | None = None
    enforce_zdr_google: bool | None = None
    enforce_zdr_xai: bool | None = None
    enforce_zdr_other: bool | None = None
    enable_paid_model_training: bool | None = None
    enable_free_model_training: bool | None = None
    enable_free_model_publication: bool | None = None
    content_filters: list[dict[str, Any]] | None = None
    content_filter_builtins: list[dict[str, Any]] | None = None

    def changes(self) -> dict[str, Any]:
        """Return the given fields as they are stored. Raises InvalidRequest (400) for what this site cannot enforce."""
        given = self.dict(exclude_unset=True)
        for field in _FILTERS:
            if given.pop(field, None):
                raise InvalidRequest(f"{field} is not supported by this site: leave it out, or send null.")
        for field in ("name", "include_byok_in_budgets"):
            if field in given and given[field] is None:
                raise InvalidRequest(f"{field} cannot be null. Leave it out to keep its value.")
        if "limit_usd" in given:
            given["limit_usd"] = in_pico(given["limit_usd"])
        for field in ("reset_interval", "description"):
            if field in given:
                given[field] = given[field] or ""
        return {_STORED.get(field, field): value for field, value in given.items()}


class NewGuardrail(_Settings):
    """A guardrail to create. It enforces nothing until it is assigned."""

    name: Name
    include_byok_in_budgets: bool = False
    workspace_id: UUID | None = None


class GuardrailChanges(_Settings):
    """The fields to change. Those left out keep their value, null removes it, and a list replaces the whole list."""

    name: Name | None = None
    include_byok_in_budgets: bool | None = None


@router.get("/guardrails", response=schemas.Guardrails, operation_id="listGuardrails", summary="List guardrails")
def list_guardrails(
    request: KeyRequest, offset: Offset = 0, limit: PageSize = 50, workspace_id: UUID | None = None
) -> HttpResponse:
    """Return guardrails from `offset`, newest first, and how many there are."""
    organisation = organisation_of(request)
    require_its_workspace(organisation, str(workspace_id or ""))
    start = offset or 0
    found = Guardrail.objects.of(organisation).select_related("organisation").order_by("-created_at", "-pk")
    page = [guardrail_json(guardrail) for guardrail in found[start : start + limit]]
    return json_response({"data": page, "total_count": found.count()})


@router.post(
    "/guardrails", response={201: schemas.Guardrail}, operation_id="createGuardrail", summary="Create a guardrail"
)
def create_guardrail(request: KeyRequest, new: NewGuardrail) -> HttpResponse:
    """Return the new guardrail. Assign it to keys or members to enforce it."""
    organisation = organisation_of(request)
    require_its_workspace(organisation, str(new.workspace_id or ""))
    fields = new.changes()
    fields.pop("workspace_id", None)
    return json_response({"data": guardrail_json(saving.create(organisation, **fields))}, status=201)


@router.get("/guardrails/{id}", response=schemas.Guardrail, operation_id="getGuardrail", summary="Get a guardrail")
def get_guardrail(request: KeyRequest, id: str) -> HttpResponse:  # noqa: A002 the parameter's public name
    """Return one guardrail."""
    return json_response({"data": guardrail_json(guardrail_of(organisation_of(request), id))})


@router.patch(
    "/guardrails/{id}", response=schemas.Guardrail, operation_id="updateGuardrail", summary="Update a guardrail"
)
def update_guardrail(request: KeyRequest, id: str, changes: GuardrailChanges) -> HttpResponse:  # noqa: A002 the parameter's public name
    """Return the updated guardrail. A first budget and another interval count from now."""
    guardrail = guardrail_of(organisation_of(request), id)
    return json_response({"data": guardrail_json(saving.update(guardrail, **changes.changes()))})


@router.delete(
    "/guardrails/{id}", response=schemas.Deleted, operation_id="deleteGuardrail", summary="Delete a guardrail"
)
def delete_guardrail(request: KeyRequest, id: str) -> HttpResponse:  # noqa: A002 the parameter's public name
    """Delete a guardrail and its assignments. Running requests are not affected."""
    saving.delete(guardrail_of(organisation_of(request), id))
    return json_response({"deleted": True})


def guardrail_of(organisation: Organisation, public_id: str) -> Guardrail:
    """Return the organization's guardrail with this ID. Raises NotFound."""
    try:
        found = Guardrail.objects.of(organisation).select_related("organisation").filter(public_id=UUID(public_id))
    except ValueError:
        raise NotFound("Guardrail not found") from None
    if (guardrail := found.first()) is None:
        raise NotFound("Guardrail not found")
    return guardrail


def guardrail_json(guardrail: Guardrail) -> dict[str, Any]:
    """Return the JSON of a guardrail. Filters of contents are null: this site has none."""
    return {
        "id": str(guardrail.public_id),
        "workspace_id": guardrail.organisation.workspace_id,
        "name": guardrail.name,
        "description": guardrail.description or None,
        "limit_usd": None if guardrail.limit is None else dollars(guardrail.limit),
        "reset_interval": guardrail.limit_reset or None,
        "include_byok_in_budgets": guardrail.include_byok,
        **{field: getattr(guardrail, field) for field in _SAME},
        **dict.fromkeys(_FILTERS),
        "created_at": guardrail.created_at,
        "updated_at": guardrail.updated_at,
    }
