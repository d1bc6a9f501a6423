"""Routes of `models_catalog`. Included last: `/<author>/<slug>` takes any path of two parts, `/<author>` of one."""

from django.urls import path, re_path
from django.views.generic import RedirectView

from models_catalog.browser import entities, pages

app_name = "models_catalog"

#: Names that belong to other routes, so that those return their own 404 or redirect.
_TAKEN = "account|activity|admin|api|chat|docs|settings|static|webhooks|ws"

urlpatterns = [
    path("models", pages.models, name="models"),
    path("compare", pages.compare, name="compare"),
    path(
        "models/compare", RedirectView.as_view(pattern_name="models_catalog:compare", permanent=True, query_string=True)
    ),
    path("providers", pages.providers, name="providers"),
    # /models/<author>/<slug>
    path("models/<str:author>/<str:slug>", RedirectView.as_view(pattern_name="models_catalog:model", permanent=True)),
    path("provider/<str:slug>", entities.provider, name="provider"),
    # /<author>/<slug>
    re_path(
        rf"^(?!({_TAKEN})/)"
        r"(?P<author>~?[\w.-]{1,100})/(?P<slug>[\w.:-]{1,200})$",
        pages.model,
        name="model",
    ),
    # /<author>
    re_path(rf"^(?!({_TAKEN})$)(?P<author>[\w.-]{{1,100}})$", entities.author, name="author"),
]
