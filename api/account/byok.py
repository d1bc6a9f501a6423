"""`/api/v1/byok`: own provider keys (BYOK), which requests use before or after shared capacity."""

import uuid
from typing import Annotated, Any

from django.http import HttpResponse
from django.views.decorators.debug import sensitive_variables
from ninja import Query, Router, Schema
from pydantic import Field, StringConstraints

from accounts.models import Organisation, User
from api.account.keys import require_its_workspace
from api.account.schemas import byok as schemas
from api.responses import KeyRequest, json_response, organisation_of
from common.errors import InvalidRequest, NotFound
from keys.models import OwnProviderKey
from keys.provider_keys import changing
from keys.provider_keys.acceptance import require_accepted
from keys.provider_keys.directory import Tested

router = Router(tags=["BYOK"])

Offset = Annotated[int | None, Query(ge=0, le=2**31)]
Limit = Annotated[int, Query(ge=1, le=100)]

Secret = Annotated[str, StringConstraints(min_length=1, max_length=2000)]
Name = Annotated[str, StringConstraints(max_length=changing.MAX_NAME)]
Entries = Annotated[list[str], Field(max_length=changing.MAX_FILTER)]
Hashes = Annotated[
    list[Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]],
    Field(min_length=1, max_length=changing.MAX_FILTER),
]

#: The fields of a body under the names of the model.
_FIELDS = {"allowed_api_key_hashes": "allowed_key_hashes", "is_required": "always_use"}


class ProviderKeyChanges(Schema):
    """The fields to change. Fields that are left out keep their value; null clears; a list replaces the list."""

    key: Secret | None = Field(None, description="A new secret, in place of the present one.")
    name: Name | None = None
    disabled: bool | None = None
    is_fallback: bool | None = None
    is_required: bool | None = Field(
        None, description="Requests that this key applies to never use the provider's shared capacity."
    )
    is_byok_only: bool | None = Field(None, description="`is_required` for every model: not with `allowed_models`.")
    allowed_models: Entries | None = None
    allowed_api_key_hashes: Hashes | None = None
    allowed_user_ids: Entries | None = None


class NewProviderKey(ProviderKeyChanges):
    """A key of a provider, and which requests may use it. A list that is left out allows all."""

    provider: str
    key: Secret
    workspace_id: str | None = None


@router.get("/byok", response=schemas.ProviderKeys, operation_id="listBYOKKeys", summary="List own provider keys")
def list_byok_keys(
    request: KeyRequest, offset: Offset = 0, limit: Limit = 50, workspace_id: str = "", provider: str = ""
) -> HttpResponse:
    """Return provider keys from `offset`, in the order in which each provider's are tried, and how many there are."""
    organisation = organisation_of(request)
    require_its_workspace(organisation, workspace_id)
    keys = OwnProviderKey.objects.of(organisation)
    if provider:
        keys = keys.filter(provider=provider) if provider.isprintable() else keys.none()
    start = offset or 0
    data = [_key_json(key, organisation) for key in keys[start : start + limit]]
    return json_response({"data": data, "total_count": keys.count()})


@router.post(
    "/byok", response={201: schemas.TestedProviderKey}, operation_id="createBYOKKey", summary="Add an own provider key"
)
@sensitive_variables()
def create_byok_key(request: KeyRequest, new: NewProviderKey) -> HttpResponse:
    """Return the new key, and what a test of it at the provider has found. It is tried after the provider's others.

    A key that the provider rejects is refused; one that can't be tested now is saved. The secret is encrypted and can't
    be read again.
    """
    organisation = organisation_of(request)
    require_its_workspace(organisation, new.workspace_id)
    user = User.objects.filter(pk=request.auth.created_by).first()
    chosen = _settings(new)
    tested = require_accepted(new.provider, new.key)
    key = changing.add(organisation, user, new.provider, new.key, **chosen)
    return json_response({"data": _key_json(key, organisation), "test": _test_json(tested)}, status=201)


@router.get("/byok/{id}", response=schemas.ProviderKey, operation_id="getBYOKKey", summary="Get an own provider key")
def get_byok_key(request: KeyRequest, id: str) -> HttpResponse:  # noqa: A002 the parameter's public name
    """Return one provider key."""
    organisation = organisation_of(request)
    return json_response({"data": _key_json(_key_of(organisation, id), organisation)})


@router.patch(
    "/byok/{id}", response=schemas.TestedProviderKey, operation_id="updateBYOKKey", summary="Update an own provider key"
)
@sensitive_variables()
def update_byok_key(request: KeyRequest, id: str, changes: ProviderKeyChanges) -> HttpResponse:  # noqa: A002
    """Return the updated key, with what a test of a new secret has found. Running requests finish with their secret."""
    organisation = organisation_of(request)
    key = _key_of(organisation, id)
    chosen = _settings(changes, key)
    tested = {"test": _test_json(require_accepted(key.provider, changes.key))} if changes.key is not None else {}
    key = changing.change(key, changes.key, **chosen)
    return json_response({"data": _key_json(key, organisation), **tested})


@router.delete(
    "/byok/{id}", response=schemas.Deleted, operation_id="deleteBYOKKey", summary="Delete an own provider key"
)
def delete_byok_key(request: KeyRequest, id: str) -> HttpResponse:  # noqa: A002 the parameter's public name
    """Delete a provider key and its secret. Requests use shared capacity, or the provider's other keys."""
    changing.delete(_key_of(organisation_of(request), id))
    return json_response({"deleted": True})


@sensitive_variables()
def _settings(given: ProviderKeyChanges, key: OwnProviderKey | None = None) -> Any:
    """Return the settings given for a key, a new one without `key`, under the model's names.

    Raises InvalidRequest for null where it has no meaning, and for settings that exclude each other.
    """
    settings = given.dict(exclude_unset=True, exclude={"provider", "key", "workspace_id"})
    for name in ("disabled", "is_fallback", "is_required", "is_byok_only"):
        if name in settings and settings[name] is None:
            raise InvalidRequest(f"{name} cannot be null. Leave it out to keep its value.")
    if (only_own := settings.pop("is_byok_only", None)) is not None:
        models = settings.get("allowed_models", key.allowed_models if key else None)
        if only_own and models is not None:
            raise InvalidRequest("is_byok_only is for every model. Set allowed_models to null, or set is_required.")
        if only_own and settings.get("is_required") is False:
            raise InvalidRequest("is_byok_only includes is_required. Leave is_required out.")
        if only_own or models is None:
            settings.setdefault("is_required", only_own)
    if "name" in settings:
        settings["name"] = settings["name"] or ""
    return {_FIELDS.get(name, name): value for name, value in settings.items()}


def _key_of(organisation: Organisation, key_id: str) -> OwnProviderKey:
    """Return the organization's key with this ID. Raises NotFound, for another organization's as well."""
    try:
        key = OwnProviderKey.objects.of(organisation).filter(public_id=uuid.UUID(key_id)).first()
    except ValueError:
        key = None
    if key is None:
        raise NotFound("Provider key not found")
    return key


def _test_json(tested: Tested) -> dict[str, Any]:
    return {"works": tested.works, "message": tested.text}


def _key_json(key: OwnProviderKey, organisation: Organisation) -> dict[str, Any]:
    return {
        "id": str(key.public_id),
        "provider": key.provider,
        "workspace_id": organisation.workspace_id,
        "label": key.label,
        "name": key.name or None,
        "disabled": key.disabled,
        "is_fallback": key.is_fallback,
        "is_required": key.always_use,
        "is_byok_only": key.always_use and key.allowed_models is None,
        "declared_region": None,
        "declared_zdr": None,
        "allowed_models": key.allowed_models,
        "allowed_api_key_hashes": key.allowed_key_hashes,
        "allowed_user_ids": key.allowed_user_ids,
        "sort_order": key.position,
        "created_at": key.created_at,
    }
