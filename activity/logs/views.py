"""The logs: every request, with filters. A member sees the whole organization's requests."""

import re
from functools import partial

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET

from accounts import access
from activity import usage
from activity.dashboard import export as requests_export
from activity.dashboard.pickers import pickers_of, sees_members
from activity.dashboard.summary import options_of
from activity.requests import listing
from common.clock import utc_now
from common.display import moments
from common.storage import replica
from common.web import csv_export
from common.web.http import AuthedRequest
from gateway.models import USES

from . import export
from .filters import STATUSES, log_filter_from
from .search import search, sessions, sessions_after
from .times import SPANS, label_of

#: What providers end a response with, in the field's words.
FINISH_REASONS = ("stop", "length", "tool_calls", "content_filter", "error")
GENERATION_ID = re.compile(r"gen-[0-9A-Za-z-]{1,36}")


@login_required
@require_GET
@replica.reads
def logs(request: AuthedRequest) -> HttpResponse:
    """The requests of a view, or their sessions. 204 if `since` (a stamp) is still current.

    A request of htmx gets what other filters change.
    `generation` opens that request beside the list. An address with times of the reader's zone becomes one in UTC,
    which means the same to every reader.
    """
    organisation = access.for_member(request)
    view = log_filter_from(request.GET, organisation, utc_now(), request.user)
    found_id = request.GET.get("id", "").strip()
    if GENERATION_ID.fullmatch(found_id) and listing.request_of(view.usage.account, found_id):
        return redirect(f"{reverse('activity:logs')}?{view.query(generation=found_id)}")
    is_typed = "local_start" in request.GET or "local_end" in request.GET
    address = f"{request.path}?{view.query()}".removesuffix("?")
    if is_typed and not request.htmx:
        return redirect(address)
    stamp = usage.stamp(view.usage.account)
    if request.GET.get("since") == str(stamp):
        return HttpResponse(status=204)
    changed = request.htmx and not request.htmx.history_restore_request and not stamp.unused
    context = {
        "organisation": organisation,  # for the navigation, which else reads both again
        "credit_account": stamp.account,
        "view": view,
        "stamp": stamp,
        "unknown_id": found_id,
        "unused": stamp.unused,
    }
    if not changed:
        options = options_of(view.usage, organisation)
        time = view.typed["time"]
        label = label_of(time)
        context |= {
            "spans": ({**SPANS, time: label} if label else SPANS).items(),
            "span": time if label else "",
            "statuses": [(value, label) for value, (label, _) in STATUSES.items()],
            "finish_reasons": FINISH_REASONS,
            "uses": USES.items(),
            "pickers": pickers_of(view.usage, options, members=sees_members(request.user, organisation)),
        }
    if view.typed["tab"] == "sessions":
        context["sessions"], context["searched_to"] = sessions(view)
    else:
        context["page"] = search(view, request.GET.get("before", ""), request.GET.get("after", ""))
    with moments.in_zone(view.usage.zone):
        response = render(request, f"activity/{'partials/logs/changed' if changed else 'logs'}.html", context)
    patch_vary_headers(response, ["HX-Request"])
    if is_typed:
        response["HX-Push-Url"] = address
    return response


@login_required
@require_GET
def export_logs(request: AuthedRequest) -> StreamingHttpResponse:
    """Download the view's requests as CSV, the running ones first."""
    view = log_filter_from(request.GET, access.for_member(request), utc_now(), request.user)
    lines = requests_export.request_lines(partial(search, view, size=requests_export.BATCH), view.usage.zone)
    return csv_export.csv_response(lines, f"logs-{view.usage.now:%Y-%m-%d}.csv")


@login_required
@require_GET
def export_sessions(request: AuthedRequest) -> StreamingHttpResponse:
    """Download the sessions of the view's requests as CSV, in the order of their IDs."""
    view = log_filter_from(request.GET, access.for_member(request), utc_now(), request.user)
    lines = export.session_lines(partial(sessions_after, view, most=export.BATCH), view.usage.zone)
    return csv_export.csv_response(lines, f"sessions-{view.usage.now:%Y-%m-%d}.csv")
