"""Routes of logging: pages of the settings."""

from django.urls import path

from . import views

app_name = "logging"

urlpatterns = [
    path("settings/privacy/logging", views.logging, name="logging"),
    path("settings/privacy/logging/off", views.turn_off, name="off"),
    path("settings/privacy/logging/contents.jsonl", views.export, name="export"),
    path("settings/privacy/logging/delete", views.delete_all, name="delete"),
]
