"""`/api/v1/auth/keys`: keys for apps that people connect (OAuth 2 with PKCE)."""

import hashlib
from typing import Annotated

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import AwareDatetime, StringConstraints

from accounts.models import User
from api.account.keys import Limit, Name, Reset, in_pico, in_utc_and_future, require_its_workspace
from api.account.schemas import keys as schemas
from api.authentication import by_key
from api.responses import KeyRequest, json_response, organisation_of
from common.errors import PermissionDenied
from keys.models import ApiKey
from keys.oauth import callbacks, codes

router = Router(tags=["OAuth"])


class Exchange(Schema):
    """A code, and the verifier whose challenge the person was sent with."""

    code: Annotated[str, StringConstraints(max_length=200)]
    code_verifier: Annotated[str, StringConstraints(max_length=200)] | None = None
    code_challenge_method: str | None = None


class NewCode(Schema):
    """The app and its key. `limit` is in dollars, `expires_at` that of the key."""

    callback_url: str
    code_challenge: str | None = None
    code_challenge_method: str = "S256"
    key_label: Name | None = None
    limit: Limit | None = None
    usage_limit_type: Reset | None = None
    expires_at: AwareDatetime | None = None
    workspace_id: str | None = None
    spawn_agent: str | None = None
    spawn_cloud: str | None = None


@router.post(
    "/auth/keys",
    response=schemas.ExchangedKey,
    operation_id="exchangeAuthCodeForAPIKey",
    summary="Exchange an authorization code for an API key",
)
def exchange(request: HttpRequest, given: Exchange) -> HttpResponse:
    """Return an API key of the person who gave the code. A code works once, for ten minutes."""
    key, secret = codes.exchange(given.code, given.code_verifier or "", given.code_challenge_method)
    return json_response({"key": secret, "user_id": key.created_by.public_id if key.created_by else None})


@router.post(
    "/auth/keys/code",
    response=schemas.AuthorizationCode,
    operation_id="createAuthKeysCode",
    summary="Create an authorization code",
    auth=by_key,
)
def create_code(request: KeyRequest, new: NewCode) -> HttpResponse:
    """Return a code for an app, in the name of the person who made the key that is sent."""
    organisation = organisation_of(request)
    user = _owner(request)
    require_its_workspace(organisation, new.workspace_id)
    app = callbacks.app_of(callbacks.checked(new.callback_url))
    codes.check_challenge(new.code_challenge or "", new.code_challenge_method)
    consent = codes.Consent(
        app=app,
        name=new.key_label or app.partition("://")[2][:100],
        limit=in_pico(new.limit),
        limit_reset=new.usage_limit_type or "",
        expires_at=in_utc_and_future(new.expires_at),
        challenge=new.code_challenge or "",
        challenge_method=new.code_challenge_method,
    )
    row, code = codes.issue(organisation, user, consent)
    created_at = row.created_at.isoformat().replace("+00:00", "Z")
    return json_response({"data": {"id": code, "app_id": _app_id(app), "created_at": created_at}})


def _owner(request: KeyRequest) -> User:
    """Return the person behind the key. Raises PermissionDenied (403) for a key that must not make another one.

    The new key has its own limit and expiration, so a key that is bound by one cannot give it away.
    """
    key = ApiKey.objects.filter(pk=request.auth.key_id).select_related("created_by").first()
    if key is None or key.created_by is None or not key.created_by.is_active:
        raise PermissionDenied("This key belongs to no user, who could consent. Use a key that a member has created.")
    if key.limit is not None or key.expires_at is not None or key.app:
        raise PermissionDenied(
            "Keys with a limit or an expiration, and those of apps, cannot create authorization codes."
        )
    return key.created_by


def _app_id(app: str) -> int:
    """Return a number that is always the same for an app."""
    return int.from_bytes(hashlib.sha256(app.encode()).digest()[:4], "big")
