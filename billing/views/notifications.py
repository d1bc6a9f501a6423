"""A member's choice of emails, and the page that ends one of them without signing in."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts import access
from billing import spending
from billing.notifications import summaries, unsubscribing
from common.clock import utc_now
from common.web.http import AuthedRequest

__all__ = ["show_notifications", "unsubscribe"]


class SummariesForm(forms.Form):
    """A switch for each summary. The fields are named like the intervals."""

    weekly = forms.BooleanField(required=False)
    monthly = forms.BooleanField(required=False)


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def show_notifications(request: AuthedRequest) -> HttpResponse:
    """Show which emails there are; each member chooses their own summaries."""
    organisation = access.for_member(request)
    account = spending.account_of(organisation)
    if request.method == "POST":
        form = SummariesForm(request.POST)
        form.full_clean()
        summaries.choose(request.user, account, form.cleaned_data, utc_now())
        messages.success(request, "Notifications saved.")
        return redirect("billing:notifications")
    context = {
        "account": account,
        "chosen": summaries.chosen_by(request.user, account),
        "is_admin": access.is_admin(request.user, organisation),
    }
    return render(request, "billing/notifications.html", context)


@csrf_exempt  # the signed token is the permission; mail programs send no cookie (RFC 8058)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask to confirm, and on POST end the emails of the token. Safe to repeat; signed out as well."""
    summary = unsubscribing.summary_of(token)
    if summary is None:
        raise Http404("No such email.")
    if request.method == "POST":
        summaries.turn_off(summary)
        summary.is_on = False
    return render(request, "billing/unsubscribe.html", {"summary": summary})
