"""URLs of `accounts`. Sign-in and sign-out belong to django-allauth, under /account/."""

from django.urls import path

from .deletion import pages as deletion
from .pages import privacy, profile

app_name = "accounts"

urlpatterns = [
    # /settings/
    path("settings/profile", profile.profile, name="profile"),
    path("settings/privacy", privacy.privacy, name="privacy"),
    path("settings/security", profile.security, name="security"),
    path("settings/delete-account", deletion.delete, name="delete"),
    path("account-deleted", deletion.deleted, name="deleted"),
]
