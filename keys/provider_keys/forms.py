"""The form of an own provider key."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.safestring import SafeString
from django.views.decorators.debug import sensitive_variables

from accounts.models import Organisation
from common.errors import InvalidRequest
from keys.models import ApiKey, OwnProviderKey

from . import directory
from .changing import MAX_FILTER, MAX_NAME
from .secrets import MAX_LENGTH, checked

__all__ = ["ProviderKeyForm"]

FIRST, ALWAYS, FALLBACK = "first", "always", "fallback"


class ProviderKeyForm(forms.Form):
    """A provider's key: its secret, when it is used, and by which requests. `chosen` returns its settings.

    Of an existing key (`key`), the provider stays and an empty secret keeps the present one.
    """

    provider = forms.ChoiceField(label="Provider")
    secret = forms.CharField(
        label="API key",
        max_length=MAX_LENGTH + 100,
        strip=True,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    name = forms.CharField(
        label="Name",
        max_length=MAX_NAME,
        required=False,
        help_text="For example the account or project that it belongs to.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    use = forms.ChoiceField(
        label="When to use it",
        choices=(
            (FIRST, "First. If it fails, use shared capacity"),
            (ALWAYS, "Always. Never use shared capacity of this provider"),
            (FALLBACK, "As a fallback, after shared capacity"),
        ),
        initial=FIRST,
        widget=forms.RadioSelect,
    )
    models = forms.CharField(
        label="Models",
        required=False,
        help_text="One model ID a line, for example openai/gpt-4o, or author/* for all models of an author. Leave "
        "empty for all models of the provider.",
        widget=forms.Textarea(attrs={"rows": 3, "spellcheck": "false", "autocapitalize": "off"}),
    )
    api_keys = forms.MultipleChoiceField(
        label="API keys",
        required=False,
        help_text="If you choose some, only their requests use it, not the chat.",
        widget=forms.CheckboxSelectMultiple,
    )
    members = forms.MultipleChoiceField(
        label="Members",
        required=False,
        help_text="If you choose some, only their requests use it.",
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(
        self, organisation: Organisation, key: OwnProviderKey | None, posted: QueryDict | None, *, provider: str = ""
    ) -> None:
        self.key = key
        super().__init__(posted, initial=_initial(key) if key else {"provider": provider})
        known = directory.current().providers()
        if key is None:
            _choices(self, "provider", [("", "Choose a provider"), *known.items()])
        else:
            del self.fields["provider"]
            self.fields["secret"].required = False
            self.fields["secret"].help_text = f"Saved: {key.label}. Leave empty to keep it. A saved key can't be shown."
        live = ApiKey.objects.of(organisation).for_inference().order_by("name", "pk")[:MAX_FILTER]
        named = [(each.hash, f"{each.name} ({each.label})") for each in live]
        _or_none(self, "api_keys", _with_gone(named, key.allowed_key_hashes if key else None, "Deleted key"))
        members = organisation.members.order_by("email")[:MAX_FILTER] if organisation.is_shared else []
        people = [(each.public_id, each.email) for each in members]
        _or_none(self, "members", _with_gone(people, key.allowed_user_ids if key else None, "Former member"))

    @property
    def is_restricted(self) -> bool:
        """Whether a restriction is chosen, or has an error: then its fields are shown."""
        return any(
            self[name].value() or self[name].errors for name in ("models", "api_keys", "members") if name in self.fields
        )

    @sensitive_variables()
    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        provider = self.key.provider if self.key else cleaned.get("provider")
        if cleaned.get("secret") and provider:
            try:
                cleaned["secret"] = checked(cleaned["secret"], provider)
            except InvalidRequest as problem:
                self.add_error("secret", problem.message)
        return cleaned

    def clean_models(self) -> list[str] | None:
        entries = self.cleaned_data["models"].replace(",", "\n").split()
        if len(entries) > MAX_FILTER:
            raise forms.ValidationError(f"Enter at most {MAX_FILTER} models.")
        return entries or None

    def chosen(self) -> Any:
        """Return the settings for `changing`."""
        cleaned = self.cleaned_data
        return {
            "name": cleaned["name"],
            "is_fallback": cleaned["use"] == FALLBACK,
            "always_use": cleaned["use"] == ALWAYS,
            "allowed_models": cleaned["models"],
            "allowed_key_hashes": cleaned.get("api_keys") or None,
            "allowed_user_ids": cleaned.get("members") or None,
        }


def _initial(key: OwnProviderKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "use": FALLBACK if key.is_fallback else ALWAYS if key.always_use else FIRST,
        "models": "\n".join(key.allowed_models or ()),
        "api_keys": key.allowed_key_hashes or [],
        "members": key.allowed_user_ids or [],
    }


def _choices(form: forms.Form, name: str, choices: list[tuple[str, str | SafeString]]) -> None:
    field = form.fields[name]
    assert isinstance(field, forms.ChoiceField)
    field.choices = choices


def _or_none(form: forms.Form, name: str, choices: list[tuple[str, str | SafeString]]) -> None:
    """Give the field these choices, or remove it if there are none."""
    if choices:
        _choices(form, name, choices)
    else:
        del form.fields[name]


def _with_gone(known: list[tuple[str, str]], chosen: list[str] | None, name: str) -> list[tuple[str, Any]]:
    """Return the choices, with those that are chosen but gone."""
    gone = set(chosen or ()).difference(value for value, _ in known)
    return [*known, *((value, name) for value in sorted(gone))]
