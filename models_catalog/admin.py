"""Editing the catalog. Every change raises its stamp, so running processes notice within seconds. An edited
field keeps its value when a newer bundled catalog is loaded."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet, URLField
from django.forms import ModelForm
from django.http import HttpRequest

from common.admin import Admin

from . import catalog
from .models import Author, Endpoint, FromFile, Model, Provider


class CatalogueAdmin(Admin):
    """Records which fields were edited, and marks the catalog as changed."""

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        # A new primary key would create a copy.
        return (*super().get_readonly_fields(request, obj), obj._meta.pk.name) if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: "ModelForm[Any]", change: bool) -> None:
        if isinstance(obj, FromFile):
            obj.edited_fields = sorted({*obj.edited_fields, *form.changed_data})
        super().save_model(request, obj, form, change)
        catalog.touch()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        catalog.touch()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        super().delete_queryset(request, queryset)
        catalog.touch()


class SwitchAdmin(CatalogueAdmin):
    """Rows that operators turn on and off, several at once. Running requests finish; new ones notice within seconds."""

    actions = ("turn_on", "turn_off")

    @admin.action(description="Turn on", permissions=["change"])
    def turn_on(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._switch(request, queryset, enabled=True)

    @admin.action(description="Turn off", permissions=["change"])
    def turn_off(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._switch(request, queryset, enabled=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[Any], *, enabled: bool) -> None:
        state = "on" if enabled else "off"
        done = 0
        for row in queryset:
            if row.enabled is enabled and "enabled" in row.edited_fields:
                continue
            row.enabled = enabled
            row.edited_fields = sorted({*row.edited_fields, "enabled"})
            row.save(update_fields=["enabled", "edited_fields"])
            self.log_action(request, row, f"Turned {state}.")
            done += 1
        catalog.touch()
        self.report(request, done, f"{str(self.opts.verbose_name_plural).capitalize()} turned {state}")


@admin.register(Author)
class AuthorAdmin(CatalogueAdmin):
    list_display = ("name", "slug")
    search_fields = ("name", "slug")


@admin.register(Provider)
class ProviderAdmin(SwitchAdmin):
    formfield_overrides = {URLField: {"assume_scheme": "https"}}  # noqa: RUF012 as in Django's own class
    list_display = ("name", "slug", "enabled", "kind", "key_variable", "trains", "retains", "supports_cancel")
    list_filter = ("enabled", "kind", "trains", "retains", "supports_cancel")
    search_fields = ("name", "slug")


@admin.register(Model)
class ModelAdmin(CatalogueAdmin):
    list_display = ("name", "id", "hidden", "author", "context_length")
    list_filter = ("hidden", "author")
    search_fields = ("id", "name")
    list_select_related = ("author",)


@admin.register(Endpoint)
class EndpointAdmin(SwitchAdmin):
    list_display = ("model_id", "tag", "enabled", "provider_model_id", "pricing", "publishes")
    list_filter = ("enabled", "publishes", "provider")
    search_fields = ("model__id", "tag", "provider_model_id")
    autocomplete_fields = ("model", "provider")
    list_select_related = ("provider",)
