"""Preferences: defaults for requests."""

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts import access
from common.web.http import AuthedRequest
from models_catalog import catalog


class PreferencesForm(forms.Form):
    """The organization's default model. Empty: the site's default."""

    default_model = forms.CharField(
        label="Default model",
        max_length=200,
        required=False,
        widget=forms.TextInput(
            {"class": "input mono", "list": "models", "autocomplete": "off", "placeholder": "author/model"}
        ),
        help_text="Used for requests without a model. Start typing to search all models.",
    )

    def clean_default_model(self) -> str:
        name = str(self.cleaned_data["default_model"]).strip()
        model = catalog.current().find(name)
        if name and (model is None or model.task != "chat"):
            raise forms.ValidationError("Model not found. Choose a chat model from the list, or leave this empty.")
        return name


@login_required
@require_http_methods(["GET", "POST"])
def preferences(request: AuthedRequest) -> HttpResponse:
    """The preferences page. Members who aren't admins can only read it."""
    organisation = access.for_admin(request) if request.method == "POST" else access.for_member(request)
    form = PreferencesForm(request.POST or None, initial={"default_model": organisation.default_model})
    if request.method == "POST" and form.is_valid():
        organisation.default_model = form.cleaned_data["default_model"]
        organisation.save(update_fields=["default_model"])
        messages.success(request, "Preferences saved.")
        return redirect("preferences")
    context = {
        "form": form,
        "may_change": access.is_admin(request.user, organisation),
        "models": [model for model in catalog.current().models.values() if model.task == "chat"],
    }
    return render(request, "site/preferences.html", context, status=422 if form.errors else 200)
