"""The admin of apps in the rankings: their names and categories, and which of them are verified, blocked or merged."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse

from activity.models import CATEGORIES, App
from activity.rankings.apps.addresses import slug_of, title_of
from activity.rankings.counting import count_again, rank_again
from common.admin import Admin

if TYPE_CHECKING:
    AppModelForm = forms.ModelForm[App]  # generic for the type checker only
else:
    AppModelForm = forms.ModelForm

#: Changes of these fields change what counts for which app.
COUNTED = {"slug", "verified", "blocked", "merged_into"}


class AppForm(AppModelForm):
    """An app. Its name may say what no title that is sent may: an operator knows the app."""

    categories = forms.MultipleChoiceField(
        required=False,
        choices=[(group, [(each, each) for each in mine]) for group, mine in CATEGORIES.items()],
        widget=forms.CheckboxSelectMultiple,
        help_text="None: those that its requests send in X-OpenRouter-Categories.",
    )

    class Meta:
        model = App
        fields = ("slug", "name", "categories", "use", "verified", "blocked", "merged_into")

    def clean_slug(self) -> str:
        """Return the address as requests name it, with or without https://."""
        text = self.cleaned_data["slug"].strip()
        slug = slug_of(text if "://" in text else f"https://{text}")
        if slug is None:
            raise ValidationError("Enter a public address, such as https://example.com.")
        return slug

    def clean_name(self) -> str:
        """Return the name if all of it can be seen."""
        name: str = self.cleaned_data["name"]
        if name and not title_of(name, self.cleaned_data.get("slug", "")):
            raise ValidationError("This name could mislead: it has invisible or mixed letters, or is another address.")
        return name

    def clean_merged_into(self) -> App | None:
        """Return the app itself, not one that is merged into another."""
        target: App | None = self.cleaned_data["merged_into"]
        if target and (target.pk == self.instance.pk or target.merged_into_id or self.instance.merged.exists()):
            raise ValidationError("Choose an app that isn't merged, for one that no others are merged into.")
        return target


class CategoriesFilter(admin.SimpleListFilter):
    """Apps by the origin of their categories."""

    title = "categories"
    parameter_name = "categories"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("chosen", "Chosen by an operator"), ("sent", "Sent by the app"), ("none", "None")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[App]) -> QuerySet[App]:
        match self.value():
            case "chosen":
                return queryset.exclude(categories=[])
            case "sent":
                return queryset.filter(categories=[]).exclude(sent_categories=[])
            case "none":
                return queryset.filter(categories=[], sent_categories=[])
        return queryset


@admin.register(App)
class AppAdmin(Admin):
    form = AppForm
    list_display = (
        "slug", "name", "sent_name", "shown_categories", "use", "verified", "blocked", "merged_into", "found_by",
        "found_at",
    )  # fmt: skip
    list_filter = ("verified", "blocked", CategoriesFilter, "use")
    list_select_related = ("merged_into", "found_by")
    search_fields = ("slug", "name", "sent_name", "found_by__public_id")
    search_hint = "Search for an address, a name, or the ID of the organization that sent it first."
    change_list_template = "admin/look_up.html"
    raw_id_fields = ("merged_into",)  # a list of suggestions would have no label
    readonly_fields = ("sent_name", "sent_categories", "found_by", "found_at")
    actions = ("verify", "block", "unblock")

    @admin.display(description="categories", empty_value="-")
    def shown_categories(self, app: App) -> str:
        return ", ".join(app.shown_categories)

    def view_on_site(self, app: App) -> str:
        """Return the app's public page."""
        return reverse("activity:app", args=[app.slug])

    def save_model(self, request: HttpRequest, obj: App, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if COUNTED.intersection(form.changed_data):
            count_again()
        elif form.changed_data:
            rank_again()

    @admin.action(description="Verify", permissions=["change"])
    def verify(self, request: HttpRequest, queryset: QuerySet[App]) -> None:
        self._mark(request, queryset, "Verified", verified=True)

    @admin.action(description="Block", permissions=["change"])
    def block(self, request: HttpRequest, queryset: QuerySet[App]) -> None:
        self._mark(request, queryset, "Blocked", blocked=True)

    @admin.action(description="Unblock", permissions=["change"])
    def unblock(self, request: HttpRequest, queryset: QuerySet[App]) -> None:
        self._mark(request, queryset, "Unblocked", blocked=False)

    def _mark(self, request: HttpRequest, queryset: QuerySet[App], what: str, **changes: bool) -> None:
        """Change one field of the apps, record it, and count again if any was different."""
        ((name, value),) = changes.items()
        rows = [row for row in queryset if getattr(row, name) is not value]
        for row in rows:
            setattr(row, name, value)
            row.save(update_fields=[name])
            self.log_action(request, row, f"{what}.")
        if rows:
            count_again()
        self.report(request, len(rows), f"Apps {what.lower()}")
