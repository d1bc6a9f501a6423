"""Routes of `activity`."""

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from activity.dashboard import views as dashboard
from activity.logs import views as logs
from activity.requests import views as requests

app_name = "activity"


class GenerationIdConverter(StringConverter):
    """The id of a request: `gen-...`."""

    regex = "gen-[0-9A-Za-z-]{1,36}"


register_converter(GenerationIdConverter, "generation_id")

urlpatterns = [
    # /activity
    path("activity", dashboard.activity, name="activity"),
    path("activity/requests.csv", dashboard.export_requests, name="export-requests"),
    path("activity/usage.csv", dashboard.export_usage, name="export-usage"),
    path("activity/<generation_id:generation_id>", requests.generation, name="generation"),
    # /logs
    path("logs", logs.logs, name="logs"),
]
