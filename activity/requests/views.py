"""The page of one request. A member sees the whole organization's requests."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET

from accounts import access
from activity.names import app_name, preset_version, provider_name
from billing import spending
from common.web.http import AuthedRequest
from gateway.models import Feedback

from . import listing
from .content import content_of
from .explanation import explain
from .repeating import curl_of
from .timeline import timeline_of


@login_required
@require_GET
def generation(request: AuthedRequest, generation_id: str) -> HttpResponse:
    """One request: its provider, the attempts, the cost breakdown, and what is stored of its content."""
    organisation = access.for_member(request)
    account = spending.account_of(organisation)
    found = listing.request_of(account, generation_id)
    if found is None:
        raise Http404("No such request.")
    context = {
        "generation": found,
        "explanation": explain(found),
        "timeline": timeline_of(found),
        "content": content_of(found, access.is_admin(request.user, organisation)),
        "curl": curl_of(found),
        "provider": provider_name(found.provider),
        "attempts": [{**attempt, "provider": provider_name(attempt["provider"])} for attempt in found.attempts],
        "preset": preset_version(found.preset_version_id),
        "app": found.app_title or app_name(found.app),
        "feedback": Feedback.objects.filter(pk=found.pk).first(),
    }
    return render(request, "activity/generation.html", context)
