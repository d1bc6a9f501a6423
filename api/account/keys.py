"""`/api/v1/keys`: the keys that a management key manages."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Literal

from django.http import HttpResponse
from ninja import Router, Schema
from pydantic import AwareDatetime, Field, StringConstraints

from accounts.models import Organisation, User
from activity.sums.key_usage import WINDOWS, Spent, spent_by_keys
from api.account.schemas import keys as schemas
from api.responses import KeyRequest, dollars, json_response, organisation_of
from billing import spending
from common.clock import utc_now
from common.errors import Conflict, InvalidRequest, NotFound
from common.money import PicoUsd, pico_from_usd
from keys import issuing
from keys.models import ApiKey
from keys.rules import restrictions
from keys.rules.status import remaining

router = Router(tags=["Keys"])

PAGE_SIZE = 100

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f\x7f]*$")
]
Limit = Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=12)]
Reset = Literal["daily", "weekly", "monthly"]
Most = Annotated[int, Field(ge=1, le=1_000_000_000)]
ExternalUser = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255, pattern=r"^[^\x00-\x1f\x7f]*$")]
Listed = Annotated[list[Annotated[str, StringConstraints(max_length=400)]], Field(max_length=restrictions.MAX_ENTRIES)]


class Restrictions(Schema):
    """Extensions: where and how much the key may be used. Null and an empty list restrict nothing.

    `allowed_ips` has addresses and CIDR ranges; `allowed_models` has model IDs, and `author/*` for all of an author.
    """

    allowed_ips: Listed | None = None
    allowed_models: Listed | None = None
    requests_per_minute: Most | None = None
    tokens_per_minute: Most | None = None
    max_concurrent_requests: Most | None = None
    external_user: ExternalUser | None = None


RESTRICTIONS = frozenset(Restrictions.model_fields)


class NewKey(Restrictions):
    """The settings of a new key. `limit` is in dollars, `expires_at` in UTC."""

    name: Name
    limit: Limit | None = None
    limit_reset: Reset | None = None
    include_byok_in_limit: bool = False
    expires_at: AwareDatetime | None = None
    creator_user_id: str | None = None
    workspace_id: str | None = None


class KeyChanges(Restrictions):
    """The fields to change. Fields that are left out keep their value."""

    name: Name | None = None
    disabled: bool | None = None
    limit: Limit | None = None
    limit_reset: Reset | None = None
    include_byok_in_limit: bool | None = None


class Rotation(Schema):
    """`grace_seconds` is how long the present secret still works: up to 30 days, a day unless it says otherwise."""

    grace_seconds: Annotated[int, Field(ge=0, le=int(issuing.LONGEST_GRACE.total_seconds()))] = 24 * 3600


@router.get("/keys", response=schemas.Keys, operation_id="list", summary="List API keys")
def list_keys(
    request: KeyRequest, offset: int = 0, include_disabled: bool = False, workspace_id: str = ""
) -> HttpResponse:
    """Return up to 100 API keys of the organization from `offset`, newest first."""
    organisation = organisation_of(request)
    require_its_workspace(organisation, workspace_id)
    if not 0 <= offset <= 2**31:
        raise InvalidRequest("offset must be the number of keys to skip, 0 or more.")
    keys = _manageable(organisation).order_by("-created_at", "-pk")
    shown = keys if include_disabled else keys.filter(disabled=False)
    return json_response({"data": keys_json(organisation, list(shown[offset : offset + PAGE_SIZE]))})


@router.post("/keys", response={201: schemas.CreatedKey}, operation_id="createKeys", summary="Create an API key")
def create_key(request: KeyRequest, new: NewKey) -> HttpResponse:
    """Return the new key with its secret. The secret is shown only once."""
    organisation = organisation_of(request)
    require_its_workspace(organisation, new.workspace_id)
    key, secret = issuing.create(
        organisation,
        _creator(organisation, new.creator_user_id, request.auth.created_by),
        new.name,
        limit=in_pico(new.limit),
        limit_reset=new.limit_reset or "",
        include_byok_in_limit=new.include_byok_in_limit,
        expires_at=in_utc_and_future(new.expires_at),
        **_restricted(new.dict(include=RESTRICTIONS, exclude_unset=True)),
    )
    return json_response({"data": keys_json(organisation, [key])[0], "key": secret}, status=201)


@router.get("/keys/{hash}", response=schemas.Key, operation_id="getKey", summary="Get an API key")
def get_key(request: KeyRequest, hash: str) -> HttpResponse:  # noqa: A002 the parameter\'s public name
    """Return one key by its hash."""
    organisation = organisation_of(request)
    return json_response({"data": keys_json(organisation, [_key_of(organisation, hash)])[0]})


@router.patch("/keys/{hash}", response=schemas.Key, operation_id="updateKeys", summary="Update an API key")
def update_key(request: KeyRequest, hash: str, changes: KeyChanges) -> HttpResponse:  # noqa: A002 the parameter\'s public name
    """Return the updated key."""
    organisation = organisation_of(request)
    key = _key_of(organisation, hash)
    wanted = changes.dict(exclude_unset=True)
    for name in ("name", "disabled", "include_byok_in_limit"):
        if name in wanted and wanted[name] is None:
            raise InvalidRequest(f"{name} cannot be null. Leave it out to keep its value.")
    if "limit" in wanted:
        wanted["limit"] = in_pico(wanted["limit"])
    if "limit_reset" in wanted:
        wanted["limit_reset"] = wanted["limit_reset"] or ""
    changed = issuing.update(key, by=request.auth.created_by or None, **_restricted(wanted))
    return json_response({"data": keys_json(organisation, [changed])[0]})


@router.post("/keys/{hash}/rotate", response=schemas.CreatedKey, operation_id="rotateKeys", summary="Rotate an API key")
def rotate_key(request: KeyRequest, hash: str, rotation: Rotation) -> HttpResponse:  # noqa: A002 the parameter\'s public name
    """Return the key with a new secret, shown only once, and a new hash. The old hash still leads to the key."""
    organisation = organisation_of(request)
    found = _key_of(organisation, hash)
    if found.hash != hash:
        raise Conflict(f"This API key has been rotated. Its hash is now {found.hash}.")
    key, secret = issuing.rotate(
        found,
        grace=timedelta(seconds=rotation.grace_seconds),
        by=request.auth.created_by or None,
    )
    return json_response({"data": keys_json(organisation, [key])[0], "key": secret})


@router.delete("/keys/{hash}", response=schemas.Deleted, operation_id="deleteKeys", summary="Delete an API key")
def delete_key(request: KeyRequest, hash: str) -> HttpResponse:  # noqa: A002 the parameter\'s public name
    """Delete a key. Requests with it get 401 from now on; its usage stays."""
    organisation = organisation_of(request)
    issuing.delete(_key_of(organisation, hash))
    return json_response({"deleted": True})


def require_its_workspace(organisation: Organisation, workspace_id: str | None) -> None:
    """Raise InvalidRequest for another workspace than the organization's only one."""
    if workspace_id and workspace_id != organisation.workspace_id:
        raise InvalidRequest(f"workspace_id must be {organisation.workspace_id}, the organization's workspace.")


def _manageable(organisation: Organisation) -> Any:
    # Only people create and delete management keys, so that a stolen one cannot create more.
    return ApiKey.objects.of(organisation).for_inference().select_related("created_by", "updated_by")


def _key_of(organisation: Organisation, key_hash: str) -> ApiKey:
    key: ApiKey | None = _manageable(organisation).with_hash(key_hash).first() if key_hash.isalnum() else None
    if key is None:
        raise NotFound("API key not found")
    return key


def keys_json(organisation: Organisation, keys: Sequence[ApiKey]) -> list[dict[str, Any]]:
    """Return the JSON of `keys` with the usage of each, read in one query."""
    now = utc_now()
    spent = spent_by_keys(spending.account_of(organisation), [key.pk for key in keys], now)
    return [_key_json(key, organisation, spent[key.pk], now) for key in keys]


def _key_json(key: ApiKey, organisation: Organisation, spent: dict[str, Spent], now: datetime) -> dict[str, Any]:
    left = remaining(key, now)
    return {
        "hash": key.hash,
        "name": key.name,
        "label": key.label,
        "disabled": key.disabled,
        "limit": None if key.limit is None else dollars(key.limit),
        "limit_remaining": None if left is None else dollars(left),
        "limit_reset": key.limit_reset or None,
        "include_byok_in_limit": key.include_byok_in_limit,
        "usage": dollars(key.usage),
        **{f"usage_{window}": dollars(spent[window].usage) for window in WINDOWS},
        "byok_usage": dollars(key.byok_usage),
        **{f"byok_usage_{window}": dollars(spent[window].byok_usage) for window in WINDOWS},
        "created_at": key.created_at,
        "updated_at": key.updated_at,
        "expires_at": key.expires_at,
        "creator_user_id": key.created_by.public_id if key.created_by else None,
        "last_used_at": key.last_used_at,
        "external_user": key.external_user or None,
        "workspace_id": organisation.workspace_id,
        "allowed_ips": key.allowed_ips,
        "allowed_models": key.allowed_models,
        "requests_per_minute": key.requests_per_minute,
        "tokens_per_minute": key.tokens_per_minute,
        "max_concurrent_requests": key.max_concurrent_requests,
        "updated_by_user_id": key.updated_by.public_id if key.updated_by else None,
        "previous_key_expires_at": key.previous_hash_expires_at,
    }


def _creator(organisation: Organisation, public_id: str | None, default_id: int) -> User | None:
    """Return the owner of a new key: by default the creator of the management key. Raises InvalidRequest."""
    if public_id is None:
        return User.objects.filter(pk=default_id).first()
    member = organisation.members.filter(public_id=public_id).first() if public_id.isprintable() else None
    if member is None:
        raise InvalidRequest("creator_user_id is not a member of this organization.")
    return member


def _restricted(wanted: dict[str, Any]) -> dict[str, Any]:
    """Return the settings of a key in the form that is stored. Raises InvalidRequest that says what is wrong."""
    for name, read in (("allowed_ips", restrictions.networks), ("allowed_models", restrictions.model_names)):
        if name in wanted:
            try:
                wanted[name] = read(wanted[name] or [])
            except ValueError as error:
                raise InvalidRequest(f"{name}: {error}") from error
    if "external_user" in wanted:
        wanted["external_user"] = wanted["external_user"] or ""
    return wanted


def in_pico(limit: Decimal | None) -> PicoUsd | None:
    """Return a limit in dollars as pico-USD."""
    return None if limit is None else pico_from_usd(limit)


def in_utc_and_future(moment: datetime | None) -> datetime | None:
    """Return an expiration. Raises InvalidRequest (400) if it has another zone or is over."""
    if moment is None:
        return None
    if moment.utcoffset() != timedelta(0):
        raise InvalidRequest("expires_at must be in UTC, for example 2030-12-31T23:59:59Z.")
    if moment <= utc_now():
        raise InvalidRequest("expires_at must be in the future.")
    return moment
