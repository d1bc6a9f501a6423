"""The chat page. Conversations live in the browser and never reach this view."""

from typing import Any

import msgspec
from asgiref.sync import async_to_sync
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts import access
from accounts.models import Organisation
from billing import spending
from common.money import format_exact_usd
from common.web.bodies import as_size
from common.web.http import AuthedRequest
from gateway import completions
from gateway.models import Feedback
from gateway.steps import previews
from gateway.tokens.bounds import AUDIO_TOKENS_PER_SECOND, SHORT_DOCUMENT_TOKENS, TYPICAL_IMAGE_TOKENS
from gateway.tokens.estimates import MESSAGE_OVERHEAD, PROMPT_OVERHEAD
from keys.models import OwnProviderKey
from models_catalog import catalog
from models_catalog.publishing.listing import model_json
from presets import lookup
from presets.content import Undecryptable, opened
from presets.merging import NAME_PREFIX
from presets.models import Preset

#: What the page may use beyond others of this site: the microphone, for recordings.
PERMISSIONS_POLICY = "microphone=(self)"
#: Models that may answer side by side.
MOST_MODELS = 6


@login_required
@require_GET
@never_cache
def own_models(request: AuthedRequest) -> HttpResponse:
    """The models that only provider keys of the user's own make available, as `/api/v1/models` has them, as JSON."""
    organisation = access.for_member(request)
    caller = async_to_sync(completions.chat_caller)(request.user, organisation)
    site = catalog.current()
    added = [model for model in previews.catalogue_for(caller).models.values() if model.id not in site.models]
    body = msgspec.json.encode({"data": [model_json(model) for model in added if "text" in model.output_modalities]})
    return HttpResponse(body, content_type="application/json")


@login_required
@require_GET
def chat(request: AuthedRequest) -> HttpResponse:
    """The chat page. `?model=<id>`, up to six times, starts a new chat with these models."""
    organisation = access.for_member(request)
    account = spending.account_of(organisation)
    setup = site_setup() | {
        "user": request.user.public_id,
        "models": request.GET.getlist("model")[: MOST_MODELS + 1],  # one more, for the page to say so
        "default_model": organisation.default_model or settings.DEFAULT_MODEL,
        "presets": [_preset_for_picker(preset) for preset in lookup.active(organisation)],
        "own_models": reverse("chat:own-models") if _has_own_keys(organisation) else None,
        "can_spend": account.available > 0,
        "auto_top_up": account.auto_top_up_below is not None,
        "logged": access.privacy_of(organisation).logs_chats,
    }
    response = render(request, "chat/chat.html", {"setup": setup})
    response["Permissions-Policy"] = PERMISSIONS_POLICY
    return response


def site_setup() -> dict[str, Any]:
    """Return what the page needs to know of the site, without a user: the same for every visitor."""
    search_price = format_exact_usd(settings.WEB_SEARCH_REQUEST_PRICE)
    return {
        "user": None,
        "models": [],
        "default_model": settings.DEFAULT_MODEL,
        "presets": [],
        "own_models": None,
        "most_models": MOST_MODELS,
        "can_spend": True,
        "auto_top_up": False,
        "logged": False,
        "request_bytes": settings.MAX_REQUEST_BYTES,
        "request_size": as_size(settings.MAX_REQUEST_BYTES),
        "estimate": {
            "per_message": MESSAGE_OVERHEAD,
            "per_prompt": PROMPT_OVERHEAD,
            "image": TYPICAL_IMAGE_TOKENS,
            "document": SHORT_DOCUMENT_TOKENS,
            "second": AUDIO_TOKENS_PER_SECOND,
        },
        "web_search": search_price if settings.WEB_SEARCH_ENGINE != "off" else None,
        "feedback": {
            "categories": Feedback.Category.choices,
            "comment_length": Feedback.COMMENT_LENGTH,
            "url": reverse("chat:feedback", args=["ID"]),
        },
        "links": {
            "credits": reverse("billing:credits"),
            "privacy": reverse("accounts:privacy"),
            "logging": reverse("logging:logging"),
            "sign_in": reverse("account_login"),
        },
    }


def _has_own_keys(organisation: Organisation) -> bool:
    return OwnProviderKey.objects.of(organisation).filter(disabled=False).exists()


def _preset_for_picker(preset: Preset) -> dict[str, Any]:
    """Return what the page knows of a preset: the models that say what it takes and costs, the bytes of its prompt."""
    shown = {"id": NAME_PREFIX + preset.slug, "name": preset.name, "models": [], "system_bytes": 0}
    if preset.designated_version is None:
        return shown
    try:
        content = opened(preset.designated_version)
    except Undecryptable:  # requests with it say so
        return shown
    models = [content.config.get("model"), *(content.config.get("models") or ())]
    return shown | {"models": list(filter(None, models)), "system_bytes": len(content.system_prompt.encode())}
