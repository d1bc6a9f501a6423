"""Forms to create and edit keys."""

from datetime import datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.utils import timezone

from common.clock import utc_now
from common.moments import moment_text
from common.money import PicoUsd, as_usd, pico_from_usd

from .models import ApiKey

__all__ = ["LARGEST_LIMIT", "CreateKeyForm", "CreateManagementKeyForm", "DollarsField", "EditKeyForm", "expiry_choices"]

#: The largest limit, in dollars.
LARGEST_LIMIT = 1_000_000
DAYS = {"1": "1 day", "7": "7 days", "30": "30 days", "90": "90 days", "365": "1 year"}


class DollarsField(forms.CharField):
    """An amount of dollars ("10", "$12.50", "1,000"), cleaned to pico-USD, or None if empty."""

    def __init__(self, **options: Any) -> None:
        attributes = {"inputmode": "decimal", "autocomplete": "off", "placeholder": "No limit"}
        super().__init__(max_length=30, widget=forms.TextInput(attributes), **options)

    def clean(self, value: Any) -> PicoUsd | None:
        text = super().clean(value).removeprefix("$").replace(",", "").strip()
        if not text:
            return None
        try:
            usd = Decimal(text)
        except InvalidOperation as error:
            raise forms.ValidationError("Enter an amount in dollars, for example 10 or 12.50.") from error
        if not usd.is_finite() or not 0 <= usd <= LARGEST_LIMIT:
            raise forms.ValidationError(f"Enter an amount from $0 to ${LARGEST_LIMIT:,}. Leave empty for no limit.")
        try:
            return pico_from_usd(usd)
        except ValueError as error:
            raise forms.ValidationError("Enter at most 12 decimals.") from error


class ExpiryMixin(forms.Form):
    """A number of days or a date, cleaned to `expires_at`."""

    expiry = forms.ChoiceField(label="Expires", required=False)
    expiry_date = forms.DateField(
        label="Expiration date (UTC)", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        match cleaned.get("expiry"):
            case "date":
                self._clean_date(cleaned)
            case days if days in DAYS:
                cleaned["expires_at"] = utc_now() + timedelta(days=int(days))
            case _:
                cleaned["expires_at"] = None
        return cleaned

    def _clean_date(self, cleaned: dict[str, Any]) -> None:
        date = cleaned.get("expiry_date")
        if date is None:
            if "expiry_date" not in self.errors:
                self.add_error("expiry_date", "Choose an expiration date.")
        elif not utc_now().date() <= date <= utc_now().date() + timedelta(days=3660):
            self.add_error("expiry_date", "Choose a date from today to ten years from now.")
        else:
            midnight = timezone.make_aware(datetime.combine(date, time.min))
            cleaned["expires_at"] = midnight + timedelta(days=1)


def expiry_choices(*first: tuple[str, str]) -> list[tuple[str, str]]:
    """Return the choices of an expiration, these first."""
    return [*first, *((days, f"In {words}") for days, words in DAYS.items()), ("date", "On a date…")]


class CreateManagementKeyForm(ExpiryMixin):
    """A name and an expiration."""

    name = forms.CharField(
        max_length=100,
        help_text="Where it is used, for example “Deploy script”. You can change it later.",
        widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"}),
    )
    field_order = ("name", "limit", "limit_reset", "expiry", "expiry_date")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        expiry = self.fields["expiry"]
        assert isinstance(expiry, forms.ChoiceField)
        expiry.choices = expiry_choices(("", "Never"))


class CreateKeyForm(CreateManagementKeyForm):
    """A name, a spend limit and an expiration."""

    limit = DollarsField(
        label="Spend limit", required=False, help_text="Maximum spend for this key. Leave empty for no limit."
    )
    limit_reset = forms.ChoiceField(
        label="Limit resets",
        required=False,
        choices=[("", "Never"), *ApiKey.Reset.choices],
        help_text="At 00:00 UTC; weeks start on Monday.",
    )


class EditKeyForm(CreateKeyForm):
    """The form of an existing key. `changes` returns the fields to update."""

    def __init__(self, key: ApiKey, *args: Any, **options: Any) -> None:
        self.key = key
        initial = {
            "name": key.name,
            "limit": "" if key.limit is None else format(as_usd(PicoUsd(key.limit)).normalize(), "f"),
            "limit_reset": key.limit_reset,
            "expiry": "keep" if key.expires_at else "",
        }
        super().__init__(*args, initial=initial, **options)
        if key.expires_at:
            expiry = self.fields["expiry"]
            assert isinstance(expiry, forms.ChoiceField)
            expiry.choices = expiry_choices(("keep", moment_text(key.expires_at)), ("", "Never"))
        if key.is_management:
            del self.fields["limit"], self.fields["limit_reset"]
        else:
            self.fields["limit_reset"].help_text = "Changing the interval restarts the spend count."

    def changes(self) -> dict[str, Any]:
        """Return the cleaned values for `issuing.update`, without an unchanged expiration."""
        names = {"name", "limit", "limit_reset", "expires_at"} & self.cleaned_data.keys()
        if self.cleaned_data.get("expiry") == "keep":
            names.discard("expires_at")
        return {name: self.cleaned_data[name] for name in names}
