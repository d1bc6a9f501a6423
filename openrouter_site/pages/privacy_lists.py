"""The lists of providers and models that an organization's requests may use, or never use."""

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from accounts import access
from accounts.models import PrivacySettings
from common.naming import model_lists
from common.web.http import AuthedRequest
from common.web.lines_field import LinesField
from models_catalog import catalog, exclusions


def _known_models(texts: list[str]) -> list[str]:
    """Return the names of models and authors of the catalog. Raises ValueError for another one."""
    names = list(dict.fromkeys(text.lower() for text in texts))
    if problem := model_lists.problem_with(names, catalog.current().complete.lists):
        raise ValueError(problem)
    return names


class ProvidersField(forms.MultipleChoiceField):
    """A list of providers, by their slugs."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, widget=forms.CheckboxSelectMultiple, **options)


class ListsForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """Four lists: allowed and ignored providers and models. An empty list of allowed ones allows all."""

    allowed_providers = ProvidersField(label="Use only these providers")
    ignored_providers = ProvidersField(label="Never use these providers")
    allowed_models = LinesField(
        _known_models,
        label="Use only these models",
        placeholder="All models",
        help_text="Model IDs, one per line, or author/* for all models of an author.",
    )
    ignored_models = LinesField(_known_models, label="Never use these models", placeholder="None")

    class Meta:
        model = PrivacySettings
        fields = ("allowed_providers", "ignored_providers", "allowed_models", "ignored_models")

    def __init__(self, data: QueryDict | None, instance: PrivacySettings) -> None:
        initial = {name: "\n".join(getattr(instance, name)) for name in ("allowed_models", "ignored_models")}
        super().__init__(data, instance=instance, initial=initial)
        names = {slug: each.name for slug, each in catalog.current().complete.offering_providers.items()}
        for saved in (*instance.allowed_providers, *instance.ignored_providers):
            names.setdefault(saved, saved)  # one that has left the catalog can be taken off the list
        for field in ("allowed_providers", "ignored_providers"):
            choices = self.fields[field]
            assert isinstance(choices, forms.MultipleChoiceField)
            choices.choices = [*names.items()]

    @property
    def provider_fields(self) -> list[forms.BoundField]:
        """The two lists of providers."""
        return [self["allowed_providers"], self["ignored_providers"]]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for kind in ("providers", "models"):
            if both := {*cleaned.get(f"allowed_{kind}", ())} & {*cleaned.get(f"ignored_{kind}", ())}:
                self.add_error(f"ignored_{kind}", f"On both lists: {', '.join(sorted(both))}. Keep each on one.")
        return cleaned


@login_required
@require_http_methods(["GET", "POST"])
def lists(request: AuthedRequest) -> HttpResponse:
    """Show the lists; admins can change them."""
    organisation = access.for_admin(request) if request.method == "POST" else access.for_member(request)
    form = ListsForm(request.POST if request.method == "POST" else None, access.privacy_of(organisation))
    if request.method == "POST" and form.is_valid():
        form.save()
        excluded, total = len(exclusions.of(organisation)), len(catalog.current().models)
        messages.success(request, f"Lists saved. Your settings now exclude {excluded} of {total} models.")
        return redirect("privacy-lists")
    may_change = access.is_admin(request.user, organisation)
    if not may_change:
        for field in form.fields.values():
            field.disabled = True
    context = {"form": form, "may_change": may_change, "catalogue": catalog.current()}
    return render(request, "settings/privacy_lists.html", context)
