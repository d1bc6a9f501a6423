"""Pages of logging: turning it on and off, and what is stored. Members see the state, admins everything else."""

from decimal import Decimal

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from accounts import access
from accounts.organisations import logging_consent
from activity.requests import listing
from billing import spending
from common.clock import utc_now
from common.web.http import AuthedRequest
from gateway.content import stored
from gateway.models import StoredContent

from .export import content_lines
from .forms import LoggingForm

PAGE = "logging:logging"


@login_required
@require_http_methods(["GET", "POST"])
def logging(request: AuthedRequest) -> HttpResponse:
    """Whether prompts and responses are stored, and which. Posted by an admin, turn it on or change it."""
    organisation = access.for_admin(request) if request.method == "POST" else access.for_member(request)
    privacy = access.privacy_of(organisation)
    form = LoggingForm(organisation, privacy, request.POST if request.method == "POST" else None)
    if form.is_valid():
        if privacy.log_for_discount:
            logging_consent.change(organisation, form.share, form.hashes)
            messages.success(request, "Saved. It applies to the next request.")
        else:
            logging_consent.turn_on(organisation, request.user, form.share, form.hashes)
            messages.success(request, "Logging is on, from the next request.")
        return redirect(PAGE)
    percent = Decimal(privacy.log_share) / 100
    context = {
        "form": form,
        "privacy": privacy,
        "percent": f"{percent.normalize():f}",
        "consent": logging_consent.latest(organisation),
        "terms": logging_consent.VERSION,
        "kept": stored.kept_of(spending.account_of(organisation).pk),
        "discount": f"{settings.LOGGING_DISCOUNT_PERCENT.normalize():f}",
        "days": settings.LOGGING_KEEP_DAYS,
        "may_change": access.is_admin(request.user, organisation),
    }
    return render(request, "activity/contents/logging.html", context, status=422 if form.is_bound else 200)


@login_required
@require_POST
def turn_off(request: AuthedRequest) -> HttpResponse:
    """Turn logging off. What is stored stays."""
    organisation = access.for_admin(request)
    if access.privacy_of(organisation).log_for_discount:
        logging_consent.turn_off(organisation, request.user)
    messages.success(request, "Logging is off. Nothing more is stored.")
    return redirect(PAGE)


@login_required
@require_GET
def export(request: AuthedRequest) -> StreamingHttpResponse:
    """Download everything that is stored as JSON Lines."""
    lines = content_lines(spending.account_of(access.for_admin(request)).pk)
    name = f"prompts-and-responses-{utc_now():%Y-%m-%d}.jsonl"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingHttpResponse(lines, content_type="application/jsonl; charset=utf-8", headers=headers)


@login_required
@require_http_methods(["GET", "POST"])
def delete_all(request: AuthedRequest) -> HttpResponse:
    """The confirmation page; posted, everything that is stored is deleted."""
    organisation = access.for_admin(request)
    account = spending.account_of(organisation)
    if request.method == "POST":
        count = stored.delete_all([account.pk])
        messages.success(request, f"Deleted what was stored of {count:,} request{'' if count == 1 else 's'}.")
        return redirect(PAGE)
    is_on = access.privacy_of(organisation).log_for_discount
    context = {"kept": stored.kept_of(account.pk), "is_on": is_on}
    return render(request, "activity/contents/delete_all.html", context)


@login_required
@require_http_methods(["GET", "POST"])
def delete_one(request: AuthedRequest, generation_id: str) -> HttpResponse:
    """The confirmation page; posted, the prompt and response of one request are deleted."""
    account = spending.account_of(access.for_member(request))
    found = listing.request_of(account, generation_id)
    if found is None or not StoredContent.objects.filter(pk=found.pk).exists():
        raise Http404("Nothing is stored of such a request.")
    access.for_admin(request)
    if request.method == "POST":
        stored.delete_one(account.pk, found.pk)
        messages.success(request, "Prompt and response were deleted.")
        return redirect("activity:generation", found.pk)
    return render(request, "activity/contents/delete_one.html", {"generation": found})
