"""Routes of `accounts`; signing in and out is django-allauth's, under /account/."""

from django.urls import path

from . import privacy

app_name = "accounts"

urlpatterns = [
    # /settings/
    path("settings/privacy", privacy.privacy, name="privacy"),
]
