"""Editing the catalog. Every change raises its stamp, so running processes notice within seconds. An edited
field keeps its value when a newer bundled catalog is loaded."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Field, QuerySet, URLField
from django.forms import ModelForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from common.admin import Admin
from models_catalog import catalog
from models_catalog.loading import own_provider
from models_catalog.models import OWN, Author, Endpoint, FromFile, Model, Provider
from models_catalog.reference.parameters import QUANTIZATIONS


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

    actions: tuple[str, ...] = ("turn_on", "turn_off")

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


class OwnProviderForm(forms.Form):
    """A server of the operator's own, and what the server does not tell."""

    name = forms.CharField(max_length=50, help_text="As people see it. It begins the IDs of its models.")
    url = forms.CharField(
        label="Address", max_length=300, help_text="For example http://localhost:11434, with or without /v1."
    )
    key = forms.CharField(
        max_length=1000,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text="Only if the server asks for one. It is encrypted and can't be shown again.",
    )
    free = forms.BooleanField(required=False, label="Its models are free")
    prompt_price = forms.DecimalField(
        required=False, min_value=0, help_text="US dollars per million prompt tokens.", widget=forms.TextInput
    )
    completion_price = forms.DecimalField(
        required=False, min_value=0, help_text="US dollars per million completion tokens.", widget=forms.TextInput
    )
    context_length = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=100_000_000,
        help_text=f"In tokens, for models whose server doesn't tell. Empty: {own_provider.DEFAULT_CONTEXT}.",
    )
    tools = forms.BooleanField(required=False, label="Models call tools, if the server doesn't tell")
    images = forms.BooleanField(required=False, label="Models see images, if the server doesn't tell")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        try:
            cleaned["pricing"] = own_provider.pricing_of(
                cleaned.get("prompt_price"), cleaned.get("completion_price"), free=cleaned.get("free", False)
            )
        except own_provider.OwnProviderError as error:
            self.add_error(None, str(error))
        return cleaned

    def add(self) -> own_provider.Result | None:
        """Read the server's models and save them; None, with an error in the form, if that is not possible."""
        given = self.cleaned_data
        terms = own_provider.Terms(
            pricing=given["pricing"],
            context_length=given["context_length"],
            tools=given["tools"] or None,
            images=given["images"] or None,
        )
        try:
            return own_provider.add(given["name"], given["url"], key=given["key"], terms=terms)
        except (own_provider.OwnProviderError, own_provider.UnreadableServer) as error:
            self.add_error(None, str(error))
            return None


@admin.register(Provider)
class ProviderAdmin(SwitchAdmin):
    change_list_template = "models_catalog/admin/providers.html"
    actions = (*SwitchAdmin.actions, "read_models")
    formfield_overrides = {URLField: {"assume_scheme": "https"}}  # noqa: RUF012 as in Django's own class
    list_display = ("name", "slug", "enabled", "kind", "key_variable", "trains", "retains", "supports_cancel")
    list_filter = ("enabled", "kind", "trains", "retains", "supports_cancel")
    search_fields = ("name", "slug")

    @admin.action(description="Read the list of models again (servers of your own)", permissions=["change"])
    def read_models(self, request: HttpRequest, queryset: QuerySet[Provider]) -> None:
        for provider in queryset:
            if provider.kind != OWN:
                text = f"{provider.name} isn't a server of your own: its models come with the catalog."
                self.message_user(request, text, messages.WARNING)
                continue
            try:
                self._added(request, own_provider.read_again(provider))
            except own_provider.UnreadableServer as error:
                self.message_user(request, f"{provider.name}: {error}", messages.ERROR)

    def get_urls(self) -> list[URLPattern]:
        add_own = self.admin_site.admin_view(self.add_own)
        return [path("add-own/", add_own, name="models_catalog_provider_add_own"), *super().get_urls()]

    @method_decorator(sensitive_post_parameters("key"))
    def add_own(self, request: HttpRequest) -> HttpResponse:
        """Add a server of the operator's own, with all its models."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = OwnProviderForm(request.POST or None)
        if form.is_valid() and (result := form.add()) is not None:
            self._added(request, result)
            return redirect("admin:models_catalog_provider_changelist")
        context = self.admin_site.each_context(request) | {
            "form": form,
            "title": "Add a server of your own",
            "opts": self.opts,
        }
        return render(request, "models_catalog/admin/add_own.html", context)

    def _added(self, request: HttpRequest, result: own_provider.Result) -> None:
        self.log_action(request, result.provider, f"Read its list of models: {len(result.added)} new.")
        self.message_user(request, str(result))


@admin.register(Model)
class ModelAdmin(CatalogueAdmin):
    list_display = ("name", "id", "hidden", "expires_on", "author", "context_length")
    list_filter = ("hidden", "author")
    search_fields = ("id", "name")
    list_select_related = ("author",)


@admin.register(Endpoint)
class EndpointAdmin(SwitchAdmin):
    list_display = (
        "model_id", "tag", "enabled", "provider_model_id", "quantization", "is_exacto", "is_moderated", "publishes",
        "unlisted_since", "pricing",
    )  # fmt: skip
    readonly_fields = ("unlisted_since", "listed_by")
    list_filter = ("enabled", "is_exacto", "is_moderated", "quantization", "publishes", "provider")
    actions = ("turn_on", "turn_off", "select_for_exacto", "take_off_exacto")
    search_fields = ("model__id", "tag", "provider_model_id")
    autocomplete_fields = ("model", "provider")
    list_select_related = ("provider",)

    def formfield_for_dbfield(self, db_field: "Field[Any, Any]", request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "quantization":
            return forms.ChoiceField(choices=[(name, name) for name in QUANTIZATIONS], initial="unknown")
        return super().formfield_for_dbfield(db_field, request, **options)

    @admin.action(description="Select for :exacto", permissions=["change"])
    def select_for_exacto(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._set_exacto(request, queryset, is_exacto=True)

    @admin.action(description="Take off :exacto", permissions=["change"])
    def take_off_exacto(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        self._set_exacto(request, queryset, is_exacto=False)

    def _set_exacto(self, request: HttpRequest, queryset: QuerySet[Any], *, is_exacto: bool) -> None:
        what = "Selected for :exacto" if is_exacto else "Taken off :exacto"
        rows = [row for row in queryset if row.is_exacto is not is_exacto or "is_exacto" not in row.edited_fields]
        for row in rows:
            row.is_exacto = is_exacto
            row.edited_fields = sorted({*row.edited_fields, "is_exacto"})
            row.save(update_fields=["is_exacto", "edited_fields"])
            self.log_action(request, row, f"{what}.")
        catalog.touch()
        self.report(request, len(rows), f"Endpoints {what[0].lower()}{what[1:]}")
