"""`/api/v1/presets`: the organization's presets and their versions, and creating them from a request's body."""

from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Query, Router

from accounts.models import Organisation, User
from api.account.schemas import presets as schemas
from api.responses import KeyRequest, json_response, organisation_of
from common.errors import Gone, InvalidRequest, NotFound
from gateway.protocols.table import CHAT_COMPLETIONS, MESSAGES, RESPONSES
from presets import lookup, rules, saving
from presets.content import Content, Undecryptable, opened
from presets.models import Preset, PresetVersion

router = Router(tags=["Presets"])

Offset = Annotated[int | None, Query(ge=0, le=2**31)]
Limit = Annotated[int, Query(ge=1, le=100)]
#: The protocol of a body, by the end of the path that takes it.
_CHAT_BODIES = {
    "chat/completions": lambda body: CHAT_COMPLETIONS.parse(body).body,
    "messages": lambda body: MESSAGES.parse(body).body,
    "responses": lambda body: RESPONSES.parse(body).body,
}


@router.get("/presets", response=schemas.Presets, operation_id="listPresets", summary="List presets")
def list_presets(request: KeyRequest, offset: Offset = 0, limit: Limit = 50) -> HttpResponse:
    """Return presets of any status from `offset`, newest first, and how many there are."""
    start = offset or 0
    presets = Preset.objects.of(organisation_of(request)).select_related(
        "organisation", "created_by", "designated_version"
    )
    page = presets.order_by("-created_at", "-pk")[start : start + limit]
    return json_response({"data": [_preset_json(preset) for preset in page], "total_count": presets.count()})


@router.get("/presets/{slug}", response=schemas.Preset, operation_id="getPreset", summary="Get a preset")
def get_preset(request: KeyRequest, slug: str) -> HttpResponse:
    """Return one preset with the version that requests use."""
    return _with_version(_preset_of(organisation_of(request), slug))


@router.get(
    "/presets/{slug}/versions",
    response=schemas.PresetVersions,
    operation_id="listPresetVersions",
    summary="List a preset's versions",
)
def list_versions(request: KeyRequest, slug: str, offset: Offset = 0, limit: Limit = 50) -> HttpResponse:
    """Return versions from `offset`, newest first, and how many there are."""
    start = offset or 0
    preset = _preset_of(organisation_of(request), slug)
    versions = preset.versions.select_related("created_by", "preset").order_by("-number")
    page = versions[start : start + limit]
    return json_response({"data": [_version_json(version) for version in page], "total_count": versions.count()})


@router.get(
    "/presets/{slug}/versions/{version}",
    response=schemas.PresetVersion,
    operation_id="getPresetVersion",
    summary="Get a version of a preset",
)
def get_version(request: KeyRequest, slug: str, version: str) -> HttpResponse:
    """Return one version by its number."""
    preset = _preset_of(organisation_of(request), slug)
    if not (version.isascii() and version.isdigit() and len(version) < 10):
        raise InvalidRequest("version must be the number of a version, for example 1.")
    found = preset.versions.select_related("created_by", "preset").filter(number=int(version)).first()
    if found is None:
        raise NotFound(f"Preset {slug!r} has no version {version}.")
    return json_response({"data": _version_json(found)})


@router.post(
    "/presets/{slug}/chat/completions",
    response=schemas.Preset,
    operation_id="createPresetsChatCompletions",
    summary="Create a preset from the body of a chat completion request",
)
def create_from_chat(request: KeyRequest, slug: str) -> HttpResponse:
    """Save the body's fields and system messages as a new preset, or as a new version of it, and return it."""
    return _saved(request, slug, "chat/completions")


@router.post(
    "/presets/{slug}/messages",
    response=schemas.Preset,
    operation_id="createPresetsMessages",
    summary="Create a preset from the body of a Messages request",
)
def create_from_messages(request: KeyRequest, slug: str) -> HttpResponse:
    """Save the body's fields and `system` as a new preset, or as a new version of it, and return it."""
    return _saved(request, slug, "messages")


@router.post(
    "/presets/{slug}/responses",
    response=schemas.Preset,
    operation_id="createPresetsResponses",
    summary="Create a preset from the body of a Responses request",
)
def create_from_responses(request: KeyRequest, slug: str) -> HttpResponse:
    """Save the body's fields and `instructions` as a new preset, or as a new version of it, and return it."""
    return _saved(request, slug, "responses")


def _saved(request: KeyRequest, slug: str, protocol: str) -> HttpResponse:
    organisation = organisation_of(request)
    user = User.objects.filter(pk=request.auth.created_by).first()
    body = _CHAT_BODIES[protocol](request.body)
    content = Content(system_prompt=_system_prompt(body), config=rules.config_of(body))
    preset = Preset.objects.of(organisation).filter(slug=slug).first() if slug.isprintable() else None
    if preset is None:
        preset = saving.create(organisation, user, slug=slug, name=slug, content=content)
    else:
        preset = saving.save(preset, user, content)
    return _with_version(_preset_of(organisation, preset.slug))


def _system_prompt(body: dict[str, Any]) -> str:
    """The text of the system messages, a blank line between two."""
    texts = []
    for message in body.get("messages") or ():
        if message.get("role") in {"system", "developer"}:
            content = message.get("content") or ""
            parts = [content] if isinstance(content, str) else [str(part.get("text") or "") for part in content]
            texts.append("\n".join(filter(None, parts)))
    return "\n\n".join(filter(None, texts))


def _preset_of(organisation: Organisation, slug: str) -> Preset:
    presets = Preset.objects.of(organisation).select_related("created_by", "designated_version__created_by")
    preset = presets.filter(slug=slug).first() if slug.isprintable() else None
    if preset is None:
        raise NotFound(f"Preset {slug[:64]!r} not found. Check its slug, or create it at {lookup.page()}")
    return preset


def _with_version(preset: Preset) -> HttpResponse:
    version = preset.designated_version
    if version is not None:
        version.preset = preset
    designated = None if version is None else _version_json(version)
    return json_response({"data": _preset_json(preset) | {"designated_version": designated}})


def _preset_json(preset: Preset) -> dict[str, Any]:
    return {
        "id": preset.public_id,
        "slug": preset.slug,
        "name": preset.name,
        "description": preset.description or None,
        "status": preset.status,
        "status_updated_at": preset.status_updated_at,
        "designated_version_id": preset.designated_version.public_id if preset.designated_version else None,
        "creator_user_id": preset.created_by.public_id if preset.created_by else None,
        "workspace_id": preset.organisation.workspace_id,
        "created_at": preset.created_at,
        "updated_at": preset.updated_at,
    }


def _version_json(version: PresetVersion) -> dict[str, Any]:
    try:
        content = opened(version)
    except Undecryptable:
        slug = version.preset.slug
        raise Gone(f"This site can no longer decrypt {slug!r}. Save it again at {lookup.page(slug)}") from None
    return {
        "id": version.public_id,
        "preset_id": version.preset.public_id,
        "version": version.number,
        "system_prompt": content.system_prompt or None,
        "config": content.config,
        "creator_id": version.created_by.public_id if version.created_by else "",
        "created_at": version.created_at,
        "updated_at": version.created_at,
    }
