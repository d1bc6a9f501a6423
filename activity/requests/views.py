"""The page of one request, and the link that programs use. A member sees the whole organization's requests."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_GET

from accounts import access
from activity.filters import filter_from
from activity.names import app_name, provider_name
from billing import spending
from common.clock import utc_now
from common.web.http import AuthedRequest
from gateway.models import Feedback

from . import listing
from .explanation import explain


@login_required
@require_GET
def generation(request: AuthedRequest, generation_id: str) -> HttpResponse:
    """One request: its provider, the attempts, and the cost breakdown."""
    account = spending.account_of(access.for_member(request))
    found = listing.request_of(account, generation_id)
    if found is None:
        raise Http404("No such request.")
    context = {
        "generation": found,
        "explanation": explain(found),
        "provider": provider_name(found.provider),
        "attempts": [{**attempt, "provider": provider_name(attempt["provider"])} for attempt in found.attempts],
        "app": found.app_title or app_name(found.app),
        "feedback": Feedback.objects.filter(pk=found.pk).first(),
    }
    return render(request, "activity/generation.html", context)


@login_required
@require_GET
def logs(request: AuthedRequest) -> HttpResponse:
    """Redirect `/logs?api_key_hash=<hash>`, which programs link to, to the activity page."""
    view = filter_from(request.GET, access.for_member(request), utc_now())
    return redirect(f"{reverse('activity:activity')}?{view.query()}#requests")
