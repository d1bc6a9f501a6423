"""`/api/v1/observability/destinations`: servers of an organization's own that get usage events."""

from typing import Annotated, Any
from uuid import UUID

from django.http import HttpResponse
from django.views.decorators.debug import sensitive_variables
from ninja import Query, Router, Schema
from pydantic import Field, StringConstraints

from accounts.models import Organisation, User
from api.account.keys import require_its_workspace
from api.account.schemas import observability as schemas
from api.responses import KeyRequest, json_response, organisation_of
from broadcast.delivery import delivering
from broadcast.destinations import saving
from broadcast.models import ALL, Destination
from common.errors import InvalidRequest, NotFound
from keys.models import ApiKey

router = Router(tags=["Observability"])

Offset = Annotated[int | None, Query(ge=0, le=2**31)]
Limit = Annotated[int, Query(ge=1, le=100)]
Hashes = Annotated[
    list[Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]],
    Field(min_length=1, max_length=saving.MAX_KEYS),
]

Share = Annotated[float, Field(ge=1 / ALL, le=1, allow_inf_nan=False)]

#: Fields of the API that are stored under other names.
_STORED = {
    "broadcast_generation_cost": "with_cost",
    "broadcast_generation_identity": "with_identity",
    "broadcast_generation_request_context": "with_context",
}


class DestinationChanges(Schema):
    """The fields to change. Fields that are left out keep their value; in `config`, so do those inside it."""

    name: str | None = None
    enabled: bool | None = None
    config: dict[str, Any] | None = Field(
        None,
        description="`otel-collector`: `endpoint`, `headers`. `webhook`: `url`, `method`, `headers`. `s3`: "
        "`bucketName`, `accessKeyId`, `secretAccessKey`, `sessionToken`, `region`, `endpoint`, `prefix`, "
        "`pathTemplate`, `headers`.",
    )
    sampling_rate: Share | None = Field(None, description=f"The share of requests, from {1 / ALL} to 1.")
    api_key_hashes: Hashes | None = None
    filter_rules: dict[str, Any] | None = Field(None, description="Not supported: leave it out, or send null.")
    privacy_mode: bool | None = Field(None, description="Never send prompts and responses, even if they are logged.")
    broadcast_generation_cost: bool | None = None
    broadcast_generation_identity: bool | None = None
    broadcast_generation_request_context: bool | None = None


class NewDestination(DestinationChanges):
    """A destination for events of requests from now on."""

    type: str = Field(description="`otel-collector`, `webhook` or `s3`.")
    name: str
    config: dict[str, Any]
    workspace_id: UUID | None = None


@router.get(
    "/observability/destinations",
    response=schemas.Destinations,
    operation_id="listObservabilityDestinations",
    summary="List observability destinations",
)
def list_destinations(
    request: KeyRequest, offset: Offset = 0, limit: Limit = 50, workspace_id: UUID | None = None
) -> HttpResponse:
    """Return destinations from `offset`, oldest first, and how many there are."""
    organisation = organisation_of(request)
    require_its_workspace(organisation, str(workspace_id or ""))
    found, start = Destination.objects.of(organisation), offset or 0
    data = [_json(each, organisation) for each in found[start : start + limit]]
    return json_response({"data": data, "total_count": found.count()})


@router.post(
    "/observability/destinations",
    response={201: schemas.CreatedDestination, 409: None},
    operation_id="createObservabilityDestination",
    summary="Create an observability destination",
)
@sensitive_variables()
def create_destination(request: KeyRequest, new: NewDestination) -> HttpResponse:
    """Return the new destination, and the signing secret of a webhook. It gets the requests from now on."""
    organisation = organisation_of(request)
    require_its_workspace(organisation, str(new.workspace_id or ""))
    user = User.objects.filter(pk=request.auth.created_by).first()
    created, secret = saving.create(organisation, user, new.type, new.config, **_settings(new, organisation))
    shown = {"signing_secret": secret} if secret else {}
    return json_response({"data": _json(created, organisation), **shown}, status=201)


@router.get(
    "/observability/destinations/{id}",
    response=schemas.Destination,
    operation_id="getObservabilityDestination",
    summary="Get an observability destination",
)
def get_destination(request: KeyRequest, id: str) -> HttpResponse:  # noqa: A002 the parameter's public name
    """Return one destination."""
    organisation = organisation_of(request)
    return json_response({"data": _json(_destination_of(organisation, id), organisation)})


@router.patch(
    "/observability/destinations/{id}",
    response=schemas.Destination,
    operation_id="updateObservabilityDestination",
    summary="Update an observability destination",
)
@sensitive_variables()
def update_destination(request: KeyRequest, id: str, changes: DestinationChanges) -> HttpResponse:  # noqa: A002
    """Return the updated destination. A masked secret in `config` keeps the stored one; a new `config` ends a pause."""
    organisation = organisation_of(request)
    found = _destination_of(organisation, id)
    changed = saving.change(found, changes.config, **_settings(changes, organisation))
    return json_response({"data": _json(changed, organisation)})


@router.delete(
    "/observability/destinations/{id}",
    response=schemas.Deleted,
    operation_id="deleteObservabilityDestination",
    summary="Delete an observability destination",
)
def delete_destination(request: KeyRequest, id: str) -> HttpResponse:  # noqa: A002 the parameter's public name
    """Delete a destination and its credentials. Events that wait for it are not sent."""
    saving.delete(_destination_of(organisation_of(request), id))
    return json_response({"deleted": True})


@router.post(
    "/observability/destinations/{id}/test",
    response=schemas.DestinationTest,
    operation_id="testObservabilityDestination",
    summary="Test an observability destination",
)
def test_destination(request: KeyRequest, id: str) -> HttpResponse:  # noqa: A002 the parameter's public name
    """Send one sample event now, and return whether the destination accepted it."""
    error = delivering.test(_destination_of(organisation_of(request), id))
    return json_response({"accepted": not error, "message": error or None})


def _settings(given: DestinationChanges, organisation: Organisation) -> Any:
    """Return the given settings under the model's names. Raises InvalidRequest."""
    found = given.dict(exclude_unset=True, exclude={"type", "config", "workspace_id"})
    if found.pop("filter_rules", None) is not None:
        raise InvalidRequest("filter_rules are not supported by this site: leave them out, or send null.")
    settings: dict[str, Any] = {}
    if "api_key_hashes" in found:
        hashes = found.pop("api_key_hashes")
        settings["key_ids"] = None if hashes is None else saving.key_ids_of(organisation, hashes)
    for name, value in found.items():
        if value is None:
            raise InvalidRequest(f"{name} cannot be null. Leave it out to keep its value.")
        settings[_STORED.get(name, name)] = value
    if "sampling_rate" in settings:
        settings["sample"] = round(settings.pop("sampling_rate") * ALL)
    return settings


def _destination_of(organisation: Organisation, public_id: str) -> Destination:
    """Return the organization's destination with this ID. Raises NotFound, for another organization's as well."""
    try:
        found = Destination.objects.of(organisation).filter(public_id=UUID(public_id)).first()
    except ValueError:
        found = None
    if found is None:
        raise NotFound("Destination not found")
    return found


def _json(destination: Destination, organisation: Organisation) -> dict[str, Any]:
    hashes = None
    if destination.key_ids is not None:
        keys = ApiKey.objects.filter(organisation=organisation, pk__in=destination.key_ids).order_by("pk")
        hashes = [*keys.values_list("hash", flat=True)]
    return {
        "id": str(destination.public_id),
        "workspace_id": organisation.workspace_id,
        "type": destination.kind,
        "name": destination.name,
        "enabled": destination.enabled,
        "config": saving.public_config(destination),
        "sampling_rate": destination.sample / ALL,
        "api_key_hashes": hashes,
        "filter_rules": None,
        "privacy_mode": destination.privacy_mode,
        **{name: getattr(destination, stored) for name, stored in _STORED.items()},
        "paused_at": destination.paused_at,
        "events_sent": destination.sent,
        "events_dropped": destination.dropped,
        "created_at": destination.created_at,
        "updated_at": destination.updated_at,
    }
