"""Routes of `broadcast`."""

from django.urls import path

from . import views

app_name = "broadcast"

urlpatterns = [
    # /settings/observability
    path("settings/observability", views.observability, name="observability"),
    path("settings/observability/add/<str:kind>", views.add_destination, name="add-destination"),
    # /settings/observability/<id>
    path("settings/observability/<uuid:destination_id>", views.destination, name="destination"),
    path("settings/observability/<uuid:destination_id>/edit", views.edit_destination, name="edit-destination"),
    path("settings/observability/<uuid:destination_id>/test", views.test_destination, name="test-destination"),
    path("settings/observability/<uuid:destination_id>/resume", views.resume_destination, name="resume-destination"),
    path("settings/observability/<uuid:destination_id>/secret", views.renew_destination_secret, name="renew-secret"),
    path("settings/observability/<uuid:destination_id>/secret/stop-old", views.stop_old_secret, name="stop-old-secret"),
    path("settings/observability/<uuid:destination_id>/delete", views.delete_destination, name="delete-destination"),
]
