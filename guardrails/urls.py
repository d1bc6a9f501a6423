"""Routes of `guardrails`."""

from django.urls import path

from .pages import views

app_name = "guardrails"

urlpatterns = [
    # /settings/guardrails
    path("settings/guardrails", views.guardrails, name="guardrails"),
    path("settings/guardrails/create", views.create_guardrail, name="create-guardrail"),
    # /settings/guardrails/<id>
    path("settings/guardrails/<uuid:guardrail_id>", views.guardrail, name="guardrail"),
    path("settings/guardrails/<uuid:guardrail_id>/edit", views.edit_guardrail, name="edit-guardrail"),
    path("settings/guardrails/<uuid:guardrail_id>/assign", views.assign_guardrail, name="assign-guardrail"),
    path("settings/guardrails/<uuid:guardrail_id>/unassign", views.unassign_guardrail, name="unassign-guardrail"),
    path("settings/guardrails/<uuid:guardrail_id>/delete", views.delete_guardrail, name="delete-guardrail"),
]
