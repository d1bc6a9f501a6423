"""`/api/v1/generation`: one finished request: its metadata, its stored content, and feedback on it."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from ninja import Router

from accounts import access
from accounts.models import Organisation, User
from activity.names import preset_version, provider_name
from api.account.schemas import generations as schemas
from api.responses import KeyRequest, dollars, json_response, organisation_of
from billing import spending
from common.errors import NotFound, PermissionDenied
from common.naming.ids import generation_id_of
from gateway.content import content_json, stored
from gateway.models import Feedback, Generation, StoredContent
from keys.authentication import KeyIdentity

router = Router(tags=["Activity"])


@router.get(
    "/generation", response=schemas.Generation, operation_id="getGeneration", summary="Get a request's metadata"
)
def get_generation(request: KeyRequest, id: str) -> HttpResponse:  # noqa: A002 the parameter's public name
    """Return what one finished request used and cost. Times are in milliseconds, money in dollars."""
    organisation = organisation_of(request)
    return json_response({"data": generation_json(_generation_of(organisation, id), organisation.workspace_id)})


@router.get(
    "/generation/content",
    response={200: schemas.GenerationContent, 403: None},
    operation_id="listGenerationContent",
    summary="Get a request's stored prompt and response",
)
def get_content(request: KeyRequest, id: str) -> HttpResponse:  # noqa: A002 the parameter's public name
    """Return the stored prompt, response and error. 404 for a request that ran while logging was off.

    In an organization, only admins read them: 403 for the keys of other members.
    """
    organisation = organisation_of(request)
    _require_content_access(request.auth, organisation)
    generation = _generation_of(organisation, id)
    row = StoredContent.objects.filter(pk=generation.pk).first()
    if row is None:
        raise NotFound(
            "The prompt and response of this request are not stored: logging was not on when it ran, or they were "
            "deleted since."
        )
    try:
        content = stored.opened(row)
    except stored.Unreadable:
        raise NotFound(
            "The prompt and response of this request can't be read: this site no longer has the key that they were "
            f"encrypted with. You can delete them at {settings.SITE_URL}/activity/{generation.pk}"
        ) from None
    return json_response({"data": content_json(content)})


@router.post(
    "/generation/feedback",
    response={200: schemas.FeedbackReceived, 404: None},
    operation_id="submitGenerationFeedback",
    summary="Send feedback on a request",
)
def submit_feedback(request: KeyRequest, given: schemas.NewFeedback) -> HttpResponse:
    """Store a category and a comment for one request, in place of earlier feedback on it. The operators read both."""
    generation = _generation_of(organisation_of(request), given.generation_id)
    Feedback.give(generation, Feedback.Rating.BAD, given.category, given.comment or "")
    return json_response({"data": {"success": True}})


def _require_content_access(identity: KeyIdentity, organisation: Organisation) -> None:
    """Raise PermissionDenied unless the key is a management key or an admin's."""
    creator = User.objects.filter(pk=identity.created_by).first()
    if not identity.is_management and not (creator and access.is_admin(creator, organisation)):
        raise PermissionDenied("Only admins of the organization can read stored prompts and responses.")


def _generation_of(organisation: Organisation, generation_id: str) -> Generation:
    """Return the organization's request with this ID. Raises NotFound, for another organization's as well."""
    known = spending.account_of(organisation).generations
    name = generation_id_of(generation_id)
    found: Generation | None = known.filter(pk=name[:40]).first() if name.isprintable() else None
    if found is None:
        raise NotFound("Generation not found. It is available shortly after the response ends.")
    return found


def generation_json(row: Generation, workspace_id: str | None = None) -> dict[str, Any]:
    """Return every documented field; null where we have no value."""
    answered = bool(row.model)
    return {
        "id": row.pk,
        "request_id": None,
        "upstream_id": row.upstream_id or None,
        "model": row.model or row.requested_model,
        "provider_name": provider_name(row.provider) or None,
        "router": None,
        "api_type": row.api_type,
        "created_at": row.created_at,
        "streamed": row.streamed,
        "cancelled": row.cancelled,
        "finish_reason": row.finish_reason or None,
        "native_finish_reason": row.native_finish_reason or None,
        "latency": row.latency_ms,
        "generation_time": row.duration_ms,
        "moderation_latency": None,
        "tokens_prompt": row.prompt_tokens if answered else None,
        "tokens_completion": row.completion_tokens if answered else None,
        "native_tokens_prompt": row.prompt_tokens if answered else None,
        "native_tokens_completion": row.completion_tokens if answered else None,
        "native_tokens_reasoning": row.reasoning_tokens if answered else None,
        "native_tokens_cached": row.cached_tokens if answered else None,
        "native_tokens_completion_images": None,
        "num_media_prompt": None,
        "num_media_completion": None,
        "num_input_audio_prompt": None,
        "num_search_results": row.web_search_results if row.web_search_engine else None,
        "num_fetches": None,
        "total_cost": dollars(row.cost),
        "usage": dollars(row.cost),
        "cache_discount": _saved_by_cache(row),
        "upstream_inference_cost": dollars(row.byok_cost),
        "logging_discount": dollars(row.discount),
        "is_byok": bool(row.byok_key_id),
        "app_id": None,
        "origin": "/".join(row.app.split("/")[:3]),
        "http_referer": row.app or None,
        "user_agent": row.user_agent or None,
        "external_user": row.external_user or None,
        "session_id": row.session_id or None,
        "preset_id": _preset_id(row),
        "service_tier": None,
        "web_search_engine": row.web_search_engine or None,
        "response_cache_source_id": row.response_cache_source_id or None,
        "data_region": "global",
        "workspace_id": workspace_id,
        "provider_responses": [_attempt_json(attempt, row) for attempt in row.attempts],
    }


def _attempt_json(attempt: dict[str, Any], row: Generation) -> dict[str, Any]:
    """Return one attempt. `id`, the provider's for its response, and `latency` are left out where they are unknown."""
    known = {
        "endpoint_id": attempt["endpoint"],
        "id": row.upstream_id if attempt["status"] == 200 else "",
        "is_byok": attempt.get("is_byok", False),
        "latency": attempt["latency_ms"],
        "model_permaslug": attempt["model"],
        "provider_name": provider_name(attempt["provider"]),
        "status": attempt["status"],
    }
    return {name: value for name, value in known.items() if value not in {None, ""}}


def _preset_id(row: Generation) -> str | None:
    version = preset_version(row.preset_version_id)
    return version.preset.public_id if version else None


def _saved_by_cache(row: Generation) -> Decimal | None:
    """Return the dollars saved by cached prompt tokens; None when there were none."""
    if not row.cached_tokens or not row.cost:
        return None
    prompt = Decimal(row.price.get("prompt", "0"))
    cached = Decimal(row.price.get("input_cache_read", prompt))
    return Decimal(f"{(row.cached_tokens * (prompt - cached)).normalize():f}")
