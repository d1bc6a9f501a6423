"""Routes of `models_catalog`. Included last: `/<author>/<slug>` takes any path of two parts."""

from django.urls import path, re_path
from django.views.generic import RedirectView

from models_catalog.browser import pages

app_name = "models_catalog"

urlpatterns = [
    path("models", pages.models, name="models"),
    path("compare", pages.compare, name="compare"),
    path(
        "models/compare", RedirectView.as_view(pattern_name="models_catalog:compare", permanent=True, query_string=True)
    ),
    path("providers", pages.providers, name="providers"),
    # /models/<author>/<slug>
    path("models/<str:author>/<str:slug>", RedirectView.as_view(pattern_name="models_catalog:model", permanent=True)),
    # /<author>/<slug>. Excludes names that belong to other routes, so that those return their own 404 or redirect.
    re_path(
        r"^(?!(account|activity|admin|api|chat|docs|settings|static|webhooks|ws)/)"
        r"(?P<author>~?[\w.-]{1,100})/(?P<slug>[\w.:-]{1,200})$",
        pages.model,
        name="model",
    ),
]
