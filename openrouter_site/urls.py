"""Routes: a table of contents. Inference (`/api/v1/chat/completions`, ...) is served beside Django, in `asgi.py`."""

from django.contrib import admin
from django.urls import include, path

from accounts.sign_in import social
from openrouter_site.pages import home

urlpatterns = [
    path("", include("api.router")),  # first: programs ask more often than people, and routes are tried in order
    path("", home.home, name="home"),
    path("", include("accounts.urls")),
    path("", include("keys.urls")),
    path("", include("presets.urls")),
    path("", include("guardrails.urls")),
    path("", include("billing.urls")),
    path("", include("chat.urls")),
    path("", include("activity.urls")),
    path("", include("activity.contents.urls")),
    path("", include("broadcast.urls")),
    path("", include("request_builder.urls")),
    path("", include("openrouter_site.pages.urls")),
    path("", include("documentation.urls")),
    path("", include("operations.urls")),
    path("account/", include("allauth.account.urls")),
    path("account/two-factor/", include("allauth.mfa.urls")),
    path("account/connected/", include("allauth.socialaccount.urls")),
    path("account/github/login/", social.github_login, name="github_login"),
    path("account/github/login/callback/", social.github_callback, name="github_callback"),
    path("account/google/login/", social.google_login, name="google_login"),
    path("account/google/login/callback/", social.google_callback, name="google_callback"),
    path("admin/", admin.site.urls),
    path("", include("models_catalog.urls")),  # last: /<author>/<slug> takes any path of two parts
]

handler400 = "openrouter_site.pages.errors.bad_request"
handler403 = "openrouter_site.pages.errors.forbidden"
handler404 = "openrouter_site.pages.errors.not_found"
handler500 = "openrouter_site.pages.errors.server_error"
