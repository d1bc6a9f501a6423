"""The form of a guardrail."""

from typing import Any

from django import forms

from accounts.models import LimitReset
from common.money import PicoUsd, as_usd
from common.naming.names import clean_name
from guardrails.checks import MAX_LISTED, MODEL_LISTS, PROVIDER_LISTS, problem_with
from guardrails.models import Guardrail
from keys.forms.fields import DollarsField
from models_catalog import catalog

__all__ = ["GuardrailForm"]

_AREA = {"rows": 3, "class": "mono", "autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
_MODELS = "Model IDs, one per line, or author/* for all models of an author. An ID includes its variants (:free)."
_PROVIDERS = "One provider slug per line."
_ZDR = {
    "enforce_zdr_anthropic": "Anthropic models",
    "enforce_zdr_openai": "OpenAI models",
    "enforce_zdr_google": "Google models",
    "enforce_zdr_xai": "xAI models",
    "enforce_zdr_other": "All other models",
}
#: Each field that forbids something, and the setting that it makes false.
_FORBIDS = {
    "no_paid_training": "enable_paid_model_training",
    "no_free_training": "enable_free_model_training",
    "no_publication": "enable_free_model_publication",
}


class NamesField(forms.CharField):
    """Names on lines or separated by commas, cleaned to a list in lower case, each once; None if there are none."""

    def __init__(self, **options: Any) -> None:
        super().__init__(required=False, max_length=100_000, widget=forms.Textarea(_AREA), **options)

    def clean(self, value: Any) -> list[str] | None:
        text = super().clean(value).lower()
        names = list(dict.fromkeys(name.strip() for name in text.replace(",", "\n").splitlines() if name.strip()))
        if len(names) > MAX_LISTED:
            raise forms.ValidationError(f"Enter at most {MAX_LISTED:,} names.")
        return names or None


class GuardrailForm(forms.Form):
    """A guardrail's settings; `changes` returns them once the form is valid."""

    name = forms.CharField(max_length=200, widget=forms.TextInput({"autocomplete": "off"}))
    description = forms.CharField(max_length=1000, required=False, widget=forms.Textarea({"rows": 2}))
    limit = DollarsField(
        label="Budget",
        required=False,
        help_text="Maximum spend in US dollars of each assigned key and each assigned member. Leave empty for no "
        "budget.",
    )
    limit_reset = forms.ChoiceField(
        label="Budget resets",
        required=False,
        choices=[("", "Never"), *LimitReset.choices],
        help_text="At 00:00 UTC; weeks start on Monday. A first budget or another interval counts from now.",
    )
    include_byok = forms.BooleanField(
        label="Count own provider keys",
        required=False,
        help_text="Their list prices count toward the budget, although their provider bills you.",
    )
    allowed_models = NamesField(label="Allowed models", help_text=f"Only these. {_MODELS}")
    ignored_models = NamesField(label="Excluded models", help_text=f"Never these. {_MODELS}")
    allowed_providers = NamesField(label="Allowed providers", help_text=f"Only these. {_PROVIDERS}")
    ignored_providers = NamesField(label="Excluded providers", help_text=f"Never these. {_PROVIDERS}")
    enforce_zdr_anthropic = forms.BooleanField(label=_ZDR["enforce_zdr_anthropic"], required=False)
    enforce_zdr_openai = forms.BooleanField(label=_ZDR["enforce_zdr_openai"], required=False)
    enforce_zdr_google = forms.BooleanField(label=_ZDR["enforce_zdr_google"], required=False)
    enforce_zdr_xai = forms.BooleanField(label=_ZDR["enforce_zdr_xai"], required=False)
    enforce_zdr_other = forms.BooleanField(label=_ZDR["enforce_zdr_other"], required=False)
    no_paid_training = forms.BooleanField(label="Paid models: no providers that train on prompts", required=False)
    no_free_training = forms.BooleanField(label="Free models: no providers that train on prompts", required=False)
    no_publication = forms.BooleanField(label="Free models: no providers that publish prompts", required=False)

    def __init__(self, *args: Any, guardrail: Guardrail | None = None, **options: Any) -> None:
        """Make the form of a new guardrail, or of an existing one."""
        self._guardrail = guardrail
        if guardrail is not None:
            options["initial"] = _initial(guardrail)
        super().__init__(*args, **options)

    def clean_name(self) -> str:
        name = clean_name(self.cleaned_data["name"])
        if not name:
            raise forms.ValidationError("Enter a name with at least one visible character.")
        return name

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        known = catalog.current().complete
        for field in (*MODEL_LISTS, *PROVIDER_LISTS):
            if problem := problem_with(field, cleaned.get(field) or (), known, self._guardrail):
                self.add_error(field, problem)
        return cleaned

    def changes(self) -> dict[str, Any]:
        """Return the fields to save, without those that the form leaves as they are."""
        wanted = {name: value for name, value in self.cleaned_data.items() if name not in _FORBIDS}
        for name, setting in _FORBIDS.items():
            wanted[setting] = False if self.cleaned_data[name] else self._allowed(setting)
        if self._guardrail is None:
            return wanted
        return {name: value for name, value in wanted.items() if self._differs(name, value)}

    def _allowed(self, setting: str) -> bool | None:
        """Return the value of a setting that is not forbidden: as it is, unless it was forbidden before."""
        value: bool | None = getattr(self._guardrail, setting, None)
        return None if value is False else value

    def _differs(self, name: str, value: Any) -> bool:
        stored = getattr(self._guardrail, name)
        before = bool(stored) if name in _ZDR else stored
        return bool(before != value)


def _initial(guardrail: Guardrail) -> dict[str, Any]:
    limit = guardrail.limit
    initial: dict[str, Any] = {
        name: getattr(guardrail, name) for name in ("name", "description", "limit_reset", "include_byok", *_ZDR)
    }
    initial["limit"] = "" if limit is None else format(as_usd(PicoUsd(limit)).normalize(), "f")
    for field in ("allowed_models", "ignored_models", "allowed_providers", "ignored_providers"):
        initial[field] = "\n".join(getattr(guardrail, field) or ())
    return initial | {name: getattr(guardrail, setting) is False for name, setting in _FORBIDS.items()}
