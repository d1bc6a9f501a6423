"""Forms to create, edit and rotate keys."""

from datetime import timedelta
from typing import Any

from django import forms

from common.display.moments import moment_text
from common.money import PicoUsd, as_usd
from common.web.lines_field import LinesField
from keys.models import ApiKey
from keys.rules import restrictions

from .fields import AllowedAddressesMixin, DollarsField, ExpiryMixin, RateField, expiry_choices

__all__ = ["GRACES", "CreateKeyForm", "CreateManagementKeyForm", "EditKeyForm", "RotateKeyForm"]

#: Choices of a grace period, in hours.
GRACES = {"24": "1 day", "0": "None: it stops now", "1": "1 hour", "168": "7 days", "720": "30 days"}


class CreateManagementKeyForm(AllowedAddressesMixin, ExpiryMixin):
    """A name, an expiration and allowed addresses. `address` is that of the person who fills it in."""

    name = forms.CharField(
        max_length=100,
        help_text="Where it is used, for example “Deploy script”. You can change it later.",
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
    )
    field_order = ("name", "limit", "limit_reset", "expiry", "expiry_date")

    def __init__(self, *args: Any, address: str = "", **options: Any) -> None:
        self.address = address
        super().__init__(*args, **options)
        self.fields["without_own_address"].label = f"Save without {address}"
        expiry = self.fields["expiry"]
        assert isinstance(expiry, forms.ChoiceField)
        expiry.choices = expiry_choices(("", "Never"))


#: The fields of the form that restrict a key.
RESTRICTIONS = ("allowed_ips", "allowed_models", "requests_per_minute", "tokens_per_minute", "max_concurrent_requests")


class CreateKeyForm(CreateManagementKeyForm):
    """A name, a spend limit, an expiration and restrictions."""

    limit = DollarsField(
        label="Spend limit", required=False, help_text="Maximum spend for this key. Leave empty for no limit."
    )
    limit_reset = forms.ChoiceField(
        label="Limit resets",
        required=False,
        choices=[("", "Never"), *ApiKey.Reset.choices],
        help_text="At 00:00 UTC; weeks start on Monday.",
    )
    include_byok_in_limit = forms.BooleanField(
        label="Count own provider keys",
        required=False,
        help_text="Their list prices count toward the limit, although their provider bills you.",
    )
    allowed_models = LinesField(
        restrictions.model_names,
        label="Allowed models",
        placeholder="Any model",
        help_text="Model IDs, one per line, or author/* for all models of an author.",
    )
    requests_per_minute = RateField(label="Requests per minute")
    tokens_per_minute = RateField(label="Tokens per minute")
    max_concurrent_requests = RateField(label="Concurrent requests")
    external_user = forms.CharField(
        label="External user",
        max_length=255,
        required=False,
        help_text="Your own ID of the person or customer who uses it. The API returns it.",
        widget=forms.TextInput({"autocomplete": "off"}),
    )

    SETTINGS = (
        "name", "limit", "limit_reset", "include_byok_in_limit", "expires_at", "allowed_ips", "allowed_models",
        "requests_per_minute", "tokens_per_minute", "max_concurrent_requests", "external_user",
    )  # fmt: skip

    @property
    def is_restricted(self) -> bool:
        """Whether a restriction has a value or an error, so that the form shows them at once."""
        names = {*RESTRICTIONS, "without_own_address"} & self.fields.keys()
        return any(self[name].value() or self[name].errors for name in names)


class EditKeyForm(CreateKeyForm):
    """The form of an existing key. `changes` returns the fields to update."""

    def __init__(self, key: ApiKey, *args: Any, **options: Any) -> None:
        self.key = key
        initial = {
            "name": key.name,
            "limit": "" if key.limit is None else format(as_usd(PicoUsd(key.limit)).normalize(), "f"),
            "limit_reset": key.limit_reset,
            "include_byok_in_limit": key.include_byok_in_limit,
            "expiry": "keep" if key.expires_at else "",
            "allowed_ips": "\n".join(key.allowed_ips),
            "allowed_models": "\n".join(key.allowed_models),
            "requests_per_minute": key.requests_per_minute,
            "tokens_per_minute": key.tokens_per_minute,
            "max_concurrent_requests": key.max_concurrent_requests,
            "external_user": key.external_user,
        }
        self.saved_ips = key.allowed_ips
        super().__init__(*args, initial=initial, **options)
        if key.expires_at:
            expiry = self.fields["expiry"]
            assert isinstance(expiry, forms.ChoiceField)
            expiry.choices = expiry_choices(("keep", moment_text(key.expires_at)), ("", "Never"))
        if key.is_management:
            for name in ({*self.SETTINGS} - {"name", "allowed_ips"}) & self.fields.keys():
                del self.fields[name]
        else:
            self.fields["limit_reset"].help_text = "Changing the interval restarts the spend count."

    def changes(self) -> dict[str, Any]:
        """Return the cleaned values for `issuing.update`, without an unchanged expiration."""
        names = {*self.SETTINGS} & self.cleaned_data.keys()
        if self.cleaned_data.get("expiry") == "keep":
            names.discard("expires_at")
        return {name: self.cleaned_data[name] for name in names}


class RotateKeyForm(forms.Form):
    """How long the present secret still works."""

    grace = forms.ChoiceField(
        label="The current secret works for another",
        choices=[*GRACES.items()],
        help_text="Until then, requests with either secret succeed. Then the current one fails with 401.",
    )

    @property
    def grace_period(self) -> timedelta:
        """The chosen grace period."""
        return timedelta(hours=int(self.cleaned_data["grace"]))
