"""URLs of `accounts`. Sign-in and sign-out belong to django-allauth, under /account/."""

from django.urls import path

from .deletion import pages as deletion
from .pages import manage, privacy, profile, sessions

app_name = "accounts"

urlpatterns = [
    # /settings/
    path("settings/profile", profile.profile, name="profile"),
    path("settings/privacy", privacy.privacy, name="privacy"),
    path("settings/security", profile.security, name="security"),
    path("settings/account", manage.account, name="manage-account"),
    path("settings/security/sessions", sessions.sessions, name="sessions"),
    path("settings/security/sessions/end-others", sessions.end_others, name="end-other-sessions"),
    path("settings/security/sessions/<int:pk>/end", sessions.end, name="end-session"),
    path("settings/delete-account", deletion.delete, name="delete"),
    path("account-deleted", deletion.deleted, name="deleted"),
]
