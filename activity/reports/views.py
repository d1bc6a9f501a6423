"""Monthly reports, and the dashboard's view as PDF. A member sees the whole organization's usage.

What writes PDFs takes 23 MB, so a process imports it with its first PDF.
"""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts import access
from activity.filters import filter_from
from common.clock import utc_now
from common.web.http import AuthedRequest

from .monthly import MonthReport, month_report
from .spans import Month

__all__ = ["export_pdf", "month", "month_pdf", "reports"]


@login_required
@require_GET
def reports(request: AuthedRequest) -> HttpResponse:
    """Go to the report of this month."""
    return redirect("activity:report", str(Month.of(utc_now())))


@login_required
@never_cache
@require_GET
def month(request: AuthedRequest, name: str) -> HttpResponse:
    """Show a month's report, for reading and printing."""
    return render(request, "activity/reports/month.html", {"report": _report(request, name)})


@login_required
@never_cache
@require_GET
def month_pdf(request: AuthedRequest, name: str) -> HttpResponse:
    """Download a month's report as PDF."""
    from . import documents

    report = _report(request, name)
    return _pdf(documents.of_month(report), f"usage-{report.month}.pdf")


@login_required
@require_GET
def export_pdf(request: AuthedRequest) -> HttpResponse:
    """Download the dashboard's view as PDF: a summary, then its groups."""
    from . import documents

    organisation = access.for_member(request)
    view = filter_from(request.GET, organisation, utc_now(), request.user)
    return _pdf(documents.of_view(view, organisation), f"usage-{view.now:%Y-%m-%d}.pdf")


def _report(request: AuthedRequest, name: str) -> MonthReport:
    named = Month.named(name)
    report = named and month_report(access.for_member(request), request.user, named, utc_now())
    if not report:
        raise Http404("No report of this month.")
    return report


def _pdf(content: bytes, name: str) -> HttpResponse:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type="application/pdf", headers=headers)
