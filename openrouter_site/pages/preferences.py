"""Preferences: how pages look to the user, and defaults for the organization's requests."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts import access, time_zones
from accounts.models import Organisation, User
from common.web.http import AuthedRequest
from models_catalog import catalog

from .site import THEMES, set_theme

_THEMES = (("system", "System"), ("light", "Light"), ("dark", "Dark"))


class DisplayForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """The user's time zone and date format, and the theme of this browser."""

    theme = forms.ChoiceField(choices=_THEMES, help_text="For this browser.")
    # Longer than a name may be, so that anything typed gets the same answer.
    time_zone = forms.CharField(
        label="Time zone",
        max_length=200,
        required=False,
        widget=forms.TextInput({"list": "time-zones", "autocomplete": "off", "placeholder": "UTC"}),
        help_text="Pages, receipts and emails show times in this zone. Leave empty for UTC.",
    )

    class Meta:
        model = User
        fields = ("time_zone", "date_format")
        labels = {"date_format": "Date format"}  # noqa: RUF012

    field_order = ("theme", "time_zone", "date_format")

    def clean_time_zone(self) -> str:
        zone = time_zones.find(self.cleaned_data["time_zone"])
        if zone is None:
            raise forms.ValidationError("Time zone not found. Choose one from the list, for example Europe/Berlin.")
        return zone


class DefaultsForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """The organization's defaults for requests."""

    class Meta:
        model = Organisation
        fields = ("default_model", "default_sort")
        labels = {"default_model": "Default model", "default_sort": "Default provider sort"}  # noqa: RUF012
        widgets = {  # noqa: RUF012
            "default_model": forms.TextInput(
                {"class": "input mono", "list": "models", "autocomplete": "off", "placeholder": "author/model"}
            )
        }
        help_texts = {  # noqa: RUF012
            "default_model": "Used for requests without a model. Start typing to search all models.",
            "default_sort": "Which provider of a model is tried first, if a request has no order or sort of its own.",
        }

    def __init__(self, *args: Any, may_change: bool, **options: Any) -> None:
        super().__init__(*args, **options)
        sort = self.fields["default_sort"]
        assert isinstance(sort, forms.ChoiceField)
        sort.choices = [("", "Balanced by price and uptime"), *Organisation.Sort.choices]
        for field in self.fields.values():
            field.disabled = not may_change

    def clean_default_model(self) -> str:
        name = str(self.cleaned_data["default_model"]).strip()
        model = catalog.current().find(name)
        if name and (model is None or model.task != "chat"):
            raise forms.ValidationError("Model not found. Choose a chat model from the list, or leave this empty.")
        return name


@login_required
@require_http_methods(["GET", "POST"])
def preferences(request: AuthedRequest) -> HttpResponse:
    """The preferences page; posted, it saves the organization's defaults, which only admins may change."""
    if request.method == "GET":
        return _page(request)
    form = DefaultsForm(request.POST, instance=access.for_admin(request), may_change=True)
    if not form.is_valid():
        return _page(request, defaults=form)
    form.instance.save(update_fields=form.Meta.fields)
    messages.success(request, "Preferences saved.")
    return redirect("preferences")


@login_required
@require_http_methods(["GET", "POST"])
def display(request: AuthedRequest) -> HttpResponse:
    """Save the user's time zone, date format and theme. A reload of the page after an error leads back."""
    if request.method == "GET":
        return redirect("preferences")
    # A user of its own: a refused form must not change the one that the page is written for.
    form = DisplayForm(request.POST, instance=User.objects.get(pk=request.user.pk))
    if not form.is_valid():
        return _page(request, shown=form)
    form.instance.save(update_fields=form.Meta.fields)
    messages.success(request, "Preferences saved.")
    response = redirect("preferences")
    set_theme(response, form.cleaned_data["theme"])
    return response


def _page(
    request: AuthedRequest, *, shown: DisplayForm | None = None, defaults: DefaultsForm | None = None
) -> HttpResponse:
    organisation = access.for_member(request)
    may_change = access.is_admin(request.user, organisation)
    cookie = request.COOKIES.get("theme")
    theme = cookie if cookie in THEMES else "system"
    context = {
        "display": shown or DisplayForm(instance=request.user, initial={"theme": theme}),
        "defaults": defaults or DefaultsForm(instance=organisation, may_change=may_change),
        "may_change": may_change,
        "models": [model for model in catalog.current().models.values() if model.task == "chat"],
        "time_zones": time_zones.offered(),
    }
    return render(request, "site/preferences.html", context, status=422 if shown or defaults else 200)
