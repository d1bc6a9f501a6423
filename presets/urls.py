"""Routes of `presets`."""

from django.urls import path

from .pages import views

app_name = "presets"

urlpatterns = [
    # /settings/presets
    path("settings/presets", views.presets, name="presets"),
    path("settings/presets/create", views.create_preset, name="create-preset"),
    # /settings/presets/<slug>
    path("settings/presets/<slug:slug>", views.preset, name="preset"),
    path("settings/presets/<slug:slug>/edit", views.edit_preset, name="edit-preset"),
    path("settings/presets/<slug:slug>/switch", views.switch_preset, name="switch-preset"),
    path("settings/presets/<slug:slug>/duplicate", views.duplicate_preset, name="duplicate-preset"),
    path("settings/presets/<slug:slug>/versions/<int:number>/use", views.use_version, name="use-version"),
]
