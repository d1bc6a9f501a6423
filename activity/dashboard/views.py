"""The dashboard and its exports. A member sees the whole organization's usage."""

from functools import partial

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.views.decorators.http import require_GET

from accounts import access
from activity import usage
from activity.filters import GROUPS, MEASURES, filter_from
from activity.requests import listing
from activity.times.periods import PERIODS
from common.clock import utc_now
from common.display import moments
from common.storage import replica
from common.web import csv_export
from common.web.http import AuthedRequest

from . import export
from .pickers import pickers_of, sees_members
from .summary import chips_of, dashboard_of, options_of

#: Requests below the chart; the logs have longer pages.
PAGE_SIZE = 10


@login_required
@require_GET
@replica.reads
def activity(request: AuthedRequest) -> HttpResponse:
    """Usage by model, provider, key or app, and the requests behind it. 204 if `since` (a stamp) is still current.

    A request of htmx gets what another view changes. The insights are the same for every period: with the header
    X-Kept-Insights, whose value is their time zone, the page keeps those that it has.
    """
    organisation = access.for_member(request)
    view = filter_from(request.GET, organisation, utc_now(), request.user)
    stamp = usage.stamp(view.account)
    if request.GET.get("since") == str(stamp):
        return HttpResponse(status=204)
    options = options_of(view, organisation)
    members = sees_members(request.user, organisation)
    changed = request.htmx and not request.htmx.history_restore_request and not stamp.unused
    context = {
        "organisation": organisation,  # for the navigation, which else reads both again
        "credit_account": stamp.account,
        "view": view,
        "stamp": stamp,
        "periods": PERIODS.items(),
        "measures": MEASURES.items(),
        "groups": [(value, word) for value, (_, word) in GROUPS.items() if value != "member" or members],
        "dashboard": dashboard_of(view, organisation),
        "page": listing.page_of(
            view,
            request.GET.get("before", ""),
            request.GET.get("after", ""),
            PAGE_SIZE,
            anything_runs=stamp.running > 0,
        ),
        "unused": stamp.unused,
        "pickers": pickers_of(view, options, members=members),
        "chips": chips_of(view, options),
        "keeps_insights": changed and request.headers.get("X-Kept-Insights") == view.zone_name,
    }
    with moments.in_zone(view.zone):
        response = render(request, f"activity/{'partials/dashboard/changed' if changed else 'activity'}.html", context)
    patch_vary_headers(response, ["HX-Request", "X-Kept-Insights"])
    return response


@login_required
@require_GET
def export_requests(request: AuthedRequest) -> StreamingHttpResponse:
    """Download the view's requests as CSV."""
    view = filter_from(request.GET, access.for_member(request), utc_now(), request.user)
    lines = export.request_lines(partial(listing.page_of, view, size=export.BATCH), view.zone)
    return csv_export.csv_response(lines, f"requests-{view.now:%Y-%m-%d}.csv")


@login_required
@require_GET
def export_usage(request: AuthedRequest) -> StreamingHttpResponse:
    """Download the view's sums by bucket and group as CSV."""
    organisation = access.for_member(request)
    view = filter_from(request.GET, organisation, utc_now(), request.user)
    return csv_export.csv_response(list(export.usage_lines(view, organisation)), f"usage-{view.now:%Y-%m-%d}.csv")


@login_required
@require_GET
def export_breakdown(request: AuthedRequest) -> StreamingHttpResponse:
    """Download the view's sums by group as CSV."""
    organisation = access.for_member(request)
    view = filter_from(request.GET, organisation, utc_now(), request.user)
    lines = list(export.breakdown_lines(view, organisation))
    return csv_export.csv_response(lines, f"usage-by-{view.by}-{view.now:%Y-%m-%d}.csv")
