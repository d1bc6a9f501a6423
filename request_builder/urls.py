"""Routes of `request_builder`."""

from django.urls import path

from . import views

app_name = "request_builder"

urlpatterns = [path("request-builder", views.builder, name="builder")]
