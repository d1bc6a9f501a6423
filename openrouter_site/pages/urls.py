"""Pages of the site itself: theme, terms, help, and the component overview in development."""

from django.urls import path

from . import offline, plan_preview, preferences, privacy_lists, settings_area, site, verification

urlpatterns = [
    path("theme", site.theme, name="theme"),
    path("terms", site.terms, name="terms"),
    path("privacy", site.privacy, name="privacy"),
    path("account/resend-verification", verification.resend_verification, name="resend-verification"),
    path("settings", settings_area.settings, name="settings"),
    path("settings/privacy/lists", privacy_lists.lists, name="privacy-lists"),
    path("settings/privacy/preview", plan_preview.preview, name="privacy-preview"),
    path("settings/preferences", preferences.preferences, name="preferences"),
    path("settings/preferences/display", preferences.display, name="display-preferences"),
    path("manifest.webmanifest", site.manifest, name="manifest"),
    path("chat-worker.js", offline.worker, name="chat-worker"),
    path("chat/shell", offline.shell, name="chat-shell"),
    path("favicon.ico", site.favicon, name="favicon"),
    path("robots.txt", site.robots, name="robots"),
    path("styleguide/", site.styleguide, name="styleguide"),
]
