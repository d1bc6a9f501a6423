"""Pages of the site itself: theme, terms, help, and the component overview in development."""

from django.urls import path

from . import pages, preferences, verification

urlpatterns = [
    path("theme", pages.theme, name="theme"),
    path("terms", pages.terms, name="terms"),
    path("privacy", pages.privacy, name="privacy"),
    path("account/resend-verification", verification.resend_verification, name="resend-verification"),
    path("settings/preferences", preferences.preferences, name="preferences"),
    path("manifest.webmanifest", pages.manifest, name="manifest"),
    path("favicon.ico", pages.favicon, name="favicon"),
    path("styleguide/", pages.styleguide, name="styleguide"),
]
