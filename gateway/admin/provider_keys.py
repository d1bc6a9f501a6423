"""The keys of providers: entered here and never shown again, beside those of the environment."""

from typing import TYPE_CHECKING, Any, NamedTuple

from django import forms
from django.contrib import admin, messages
from django.db.models import BigIntegerField, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables

from common import encryption
from common.admin import Admin
from common.money import PicoUsd, format_exact_usd
from gateway.models import ProviderSpend
from gateway.providers import checking
from gateway.routing import upstreams
from gateway.routing.provider_keys import ENVIRONMENT
from models_catalog import catalog
from models_catalog.models import Endpoint, Provider, ProviderKey

if TYPE_CHECKING:
    KeyForm = forms.ModelForm[ProviderKey]  # generic for the type checker only
else:
    KeyForm = forms.ModelForm


class ProviderKeyForm(KeyForm):
    """A key of a provider. The key itself is write-only."""

    key = forms.CharField(
        max_length=1000,
        strip=True,
        widget=forms.PasswordInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )

    class Meta:
        model = ProviderKey
        fields = ("provider", "key", "name", "weight", "enabled")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk:
            self.fields["key"].required = False
            self.fields[
                "key"
            ].help_text = f"Saved: …{self.instance.last_four}. Leave empty to keep it. A saved key can't be shown."
        else:
            self.fields["key"].help_text = "It is encrypted and can't be shown again."

    @sensitive_variables()
    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"]
        if not key.isascii() or not key.isprintable() or " " in key:
            raise forms.ValidationError(
                "A key has letters, digits and signs only. Paste it without spaces or line breaks."
            )
        return key

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        key, provider = cleaned.get("key"), cleaned.get("provider")
        if key and provider:
            others = ProviderKey.objects.filter(provider=provider).exclude(pk=self.instance.pk)
            if any(_secret_of(other) == key for other in others):
                self.add_error(
                    "key", "This provider already has this key. Change its weight instead of adding it twice."
                )
        return cleaned

    def save(self, commit: bool = True) -> ProviderKey:
        if self.cleaned_data["key"]:
            self.instance.set_secret(self.cleaned_data["key"])
            self.instance.cooling_until = self.instance.last_status = self.instance.last_refused_at = None
        return super().save(commit)


def _secret_of(key: ProviderKey) -> str | None:
    try:
        return encryption.decrypt(key.secret)
    except encryption.Undecryptable:
        return None


class EnvironmentKey(NamedTuple):
    """A key in the environment, for the list: its provider, variable, last four characters and spend."""

    provider: Provider
    variable: str
    last_four: str
    requests: int
    spend: str


@admin.register(ProviderKey)
class ProviderKeyAdmin(Admin):
    form = ProviderKeyForm
    fields = ("provider", "key", "name", "weight", "enabled")
    change_form_template = "gateway/admin/provider_key.html"
    change_list_template = "gateway/admin/provider_keys.html"
    list_display = ("provider", "key", "name", "weight", "state", "requests", "spend", "enabled")
    list_display_links = ("provider", "key")
    list_filter = ("enabled",)
    list_select_related = ("provider",)
    ordering = ("provider__name", "pk")
    search_fields = ("provider__name", "provider__slug", "name", "last_four")
    actions = ("test", "turn_on", "turn_off")

    # --- The list

    def get_queryset(self, request: HttpRequest) -> QuerySet[ProviderKey]:
        rows = ProviderSpend.objects.filter(provider_key_id=OuterRef("pk")).order_by().values("provider_key_id")

        def total(column: str) -> Coalesce:
            return Coalesce(Subquery(rows.annotate(sum=Sum(column)).values("sum"), output_field=BigIntegerField()), 0)

        keys: QuerySet[ProviderKey] = super().get_queryset(request)
        return keys.annotate(spent=total("cost"), served=total("requests"))

    def key(self, key: ProviderKey) -> str:
        return f"…{key.last_four}"

    @admin.display(ordering="served")
    def requests(self, key: Any) -> int:
        return int(key.served)

    @admin.display(description="charged to accounts", ordering="spent")
    def spend(self, key: Any) -> str:
        return format_exact_usd(PicoUsd(key.spent))

    def state(self, key: ProviderKey) -> str:
        if _secret_of(key) is None:
            return "Can't be decrypted: enter it again"
        if not key.enabled:
            return "Off"
        if key.cooling_until and key.cooling_until > timezone.now():
            why = {401: "Rejected", 402: "No credits"}.get(key.last_status or 0, "Rate limited")
            return f"{why} until {key.cooling_until:%H:%M:%S} UTC"
        if key.last_status and key.last_refused_at:
            return f"Ready. Last refused with {key.last_status} on {key.last_refused_at:%d %b, %H:%M} UTC"
        return "Ready"

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, {"environment": environment_keys()} | (extra_context or {}))

    # --- Changes

    @method_decorator(sensitive_post_parameters("key"))
    def changeform_view(self, *args: Any, **kwargs: Any) -> Any:
        return super().changeform_view(*args, **kwargs)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("provider",) if obj else ()  # its spend is that provider's

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        catalog.touch()

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        super().delete_model(request, obj)
        catalog.touch()

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[ProviderKey]) -> None:
        super().delete_queryset(request, queryset)
        catalog.touch()

    @admin.action(description="Turn on", permissions=["change"])
    def turn_on(self, request: HttpRequest, queryset: QuerySet[ProviderKey]) -> None:
        self._switch(request, queryset, enabled=True)

    @admin.action(description="Turn off", permissions=["change"])
    def turn_off(self, request: HttpRequest, queryset: QuerySet[ProviderKey]) -> None:
        self._switch(request, queryset, enabled=False)

    def _switch(self, request: HttpRequest, queryset: QuerySet[ProviderKey], *, enabled: bool) -> None:
        rows = list(queryset.exclude(enabled=enabled))
        ProviderKey.objects.filter(pk__in=[row.pk for row in rows]).update(enabled=enabled)
        catalog.touch()
        for row in rows:
            self.log_action(request, row, f"Turned {'on' if enabled else 'off'}.")
        self.report(request, len(rows), f"Keys turned {'on' if enabled else 'off'}")

    # --- Tests

    @admin.action(description="Test", permissions=["change"])
    def test(self, request: HttpRequest, queryset: QuerySet[ProviderKey]) -> None:
        for key in queryset.select_related("provider")[:20]:
            self._test(request, key.provider, key.pk)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return self._tested(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return self._tested(request, obj) or super().response_change(request, obj)

    def _tested(self, request: HttpRequest, key: ProviderKey) -> HttpResponse | None:
        if "_test" not in request.POST:
            return None
        self._test(request, key.provider, key.pk)
        return redirect("admin:models_catalog_providerkey_change", key.pk)

    def get_urls(self) -> list[URLPattern]:
        test = self.admin_site.admin_view(self.test_environment)
        return [path("environment/<slug:slug>/test/", test, name="test_environment_key"), *super().get_urls()]

    def test_environment(self, request: HttpRequest, slug: str) -> HttpResponse:
        """Test the key that the environment has for a provider."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if self.has_change_permission(request):
            self._test(request, get_object_or_404(Provider, slug=slug), ENVIRONMENT)
        return redirect("admin:models_catalog_providerkey_changelist")

    def _test(self, request: HttpRequest, provider: Provider, key_id: int) -> None:
        upstream = upstreams.upstream_of_key(provider, key_id)
        if upstream is None:
            text = f"{provider.name}: the key can't be used. Give the provider an address, or enter the key again."
            self.message_user(request, text, messages.ERROR)
            return
        endpoints = Endpoint.objects.filter(provider=provider, enabled=True).exclude(provider_model_id="")
        model = endpoints.order_by("pk").values_list("provider_model_id", flat=True).first() or ""
        finding = checking.check(upstream, provider.name, model)
        self.message_user(request, finding.text, messages.SUCCESS if finding.works else messages.ERROR)


def environment_keys() -> list[EnvironmentKey]:
    """The keys in the environment, by provider."""
    spend = {
        row["provider"]: row
        for row in ProviderSpend.objects.filter(provider_key_id=ENVIRONMENT)
        .values("provider")
        .annotate(cost=Sum("cost"), served=Sum("requests"))
    }
    found = []
    for provider in Provider.objects.order_by("name"):
        variable, key = upstreams.environment_key(provider.slug, provider.key_variable)
        if key:
            sums = spend.get(provider.slug, {"cost": 0, "served": 0})
            last_four = key[-4:] if len(key) >= 12 else ""
            charged = format_exact_usd(PicoUsd(sums["cost"]))
            found.append(EnvironmentKey(provider, variable, last_four, sums["served"], charged))
    return found
