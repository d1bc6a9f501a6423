"""Routes of `activity`."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from activity.contents import views as contents
from activity.dashboard import views as dashboard
from activity.logs import views as logs
from activity.rankings import views as rankings
from activity.reports import views as reports
from activity.requests import views as requests
from activity.saved_views import views as saved_views

app_name = "activity"


class GenerationIdConverter(StringConverter):
    """The id of a request: `gen-...`."""

    regex = "gen-[0-9A-Za-z-]{1,36}"


class MonthConverter(StringConverter):
    """A month: `2026-11`."""

    regex = "[0-9]{4}-[0-9]{2}"


register_converter(MonthConverter, "month")
register_converter(GenerationIdConverter, "generation_id")

urlpatterns = [
    # /activity
    path("activity", dashboard.activity, name="activity"),
    path("activity/requests.csv", dashboard.export_requests, name="export-requests"),
    path("activity/usage.csv", dashboard.export_usage, name="export-usage"),
    path("activity/breakdown.csv", dashboard.export_breakdown, name="export-breakdown"),
    path("activity/usage.pdf", reports.export_pdf, name="export-pdf"),
    path("activity/reports", reports.reports, name="reports"),
    path("activity/reports/<month:name>", reports.month, name="report"),
    path("activity/reports/<month:name>.pdf", reports.month_pdf, name="report-pdf"),
    path("activity/<generation_id:generation_id>", requests.generation, name="generation"),
    path("activity/<generation_id:generation_id>/content/delete", contents.delete_one, name="delete-content"),
    # /activity/views
    path("activity/views", saved_views.saved_views, name="saved-views"),
    path("activity/views/save", saved_views.save_view, name="save-view"),
    path("activity/views/<str:view_id>", saved_views.open_view, name="open-view"),
    path("activity/views/<str:view_id>/edit", saved_views.edit_view, name="edit-view"),
    path("activity/views/<str:view_id>/delete", saved_views.delete_view, name="delete-view"),
    # /rankings, /apps
    path("rankings", rankings.rankings, name="rankings"),
    path("apps", rankings.apps, name="apps"),
    path("apps/<path:address>", rankings.app, name="app"),
    # /logs
    path("logs", logs.logs, name="logs"),
    path("logs.csv", logs.export_logs, name="export-logs"),
    path("logs/sessions.csv", logs.export_sessions, name="export-sessions"),
]
