"""URLs of `accounts`. Sign-in and sign-out belong to django-allauth, under /account/."""

from django.urls import path

from . import privacy

app_name = "accounts"

urlpatterns = [
    # /settings/
    path("settings/privacy", privacy.privacy, name="privacy"),
]
