"""A member's choice of emails, and the page that ends one of them without signing in."""

from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from accounts import access
from billing import spending
from billing.notifications import choices, unsubscribing
from billing.notifications.choices import Kind
from common.clock import utc_now
from common.web.http import AuthedRequest

__all__ = ["show_notifications", "unsubscribe"]


@dataclass(frozen=True)
class Row:
    """A kind of email on the page."""

    kind: str
    label: str
    help: str
    is_on: bool


#: What each kind is sent for, in the order of the page.
HELP = {
    Kind.LOW_BALANCE: "The balance drops below the threshold that admins set under Credits.",
    Kind.AUTO_TOP_UP: "Auto top-up charges a card, a charge fails, or auto top-up stops.",
    Kind.KEY_LIMIT: "A key that you created, or as an admin any key, has used 80% or 100% of its spend limit.",
    Kind.BUDGET: "Your own spend limit or a guardrail's budget is at 80% or 100%, or as an admin any member's.",
    Kind.MODEL_DEPRECATION: "30 and 7 days before a model that was used in the last 30 days retires.",
    Kind.NEW_SIGN_IN: "Your account is signed in to with a browser that hasn't been used with it before.",
    Kind.WEEKLY: "Each Monday, for Monday to Sunday: spend, requests, top models and keys, and the balance.",
    Kind.MONTHLY: "The same on the first day of each month, for the month before.",
}


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def show_notifications(request: AuthedRequest) -> HttpResponse:
    """Show every kind of email with a switch; each member chooses for themselves."""
    organisation = access.for_member(request)
    account = spending.account_of(organisation)
    own = spending.account_of(access.open_personal_organisation(request.user))
    is_admin = access.is_admin(request.user, organisation)
    kinds = [kind for kind in HELP if is_admin or kind not in choices.FOR_ADMINS]
    if request.method == "POST":
        posted = {kind.value: kind.value in request.POST for kind in kinds}
        sign_ins = {Kind.NEW_SIGN_IN.value: posted.pop(Kind.NEW_SIGN_IN)}
        choices.choose(request.user, account, posted, utc_now())
        choices.choose(request.user, own, sign_ins, utc_now())
        messages.success(request, "Notifications saved.")
        return redirect("billing:notifications")
    chosen = choices.chosen_by(request.user, account) - {Kind.NEW_SIGN_IN.value}
    chosen |= choices.chosen_by(request.user, own) & {Kind.NEW_SIGN_IN.value}
    context = {
        "account": account,
        "rows": [Row(kind.value, str(kind.label), HELP[kind], kind in chosen) for kind in kinds],
        "is_admin": is_admin,
    }
    return render(request, "billing/notifications.html", context)


@csrf_exempt  # the signed token is the permission; mail programs send no cookie (RFC 8058)
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """Ask to confirm, and on POST end the emails of the token. Safe to repeat; signed out as well."""
    choice = unsubscribing.choice_of(token)
    if choice is None:
        raise Http404("No such email.")
    if request.method == "POST":
        choices.turn_off(choice)
        choice.is_on = False
    return render(request, "billing/unsubscribe.html", {"choice": choice})
