"""Fields that several forms of keys have: an amount of dollars, an expiration, a rate, the allowed addresses."""

from datetime import datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from ipaddress import ip_network
from typing import Any

from django import forms
from django.utils import timezone

from common.clock import utc_now
from common.money import PicoUsd, pico_from_usd
from common.web.lines_field import LinesField
from keys.rules import restrictions
from keys.rules.status import is_within

__all__ = ["LARGEST_LIMIT", "AllowedAddressesMixin", "DollarsField", "ExpiryMixin", "RateField", "expiry_choices"]

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


class RateField(forms.IntegerField):
    """A whole number from 1; empty: no limit."""

    def __init__(self, **options: Any) -> None:
        attributes = {"inputmode": "numeric", "autocomplete": "off", "placeholder": "No limit"}
        widget = forms.NumberInput(attributes)
        super().__init__(min_value=1, max_value=1_000_000_000, required=False, widget=widget, **options)


class AllowedAddressesMixin(forms.Form):
    """The addresses that may use the key. A list without the `address` of its editor has to be confirmed."""

    allowed_ips = LinesField(
        restrictions.networks,
        label="Allowed IP addresses",
        placeholder="Any address",
        help_text="Addresses or CIDR ranges, one per line. Requests from others fail with 403.",
    )
    without_own_address = forms.BooleanField(required=False)

    address: str = ""
    saved_ips: list[str] = []  # noqa: RUF012 never changed in place
    asks_about_address = False

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        listed = cleaned.get("allowed_ips") or []
        networks = map(ip_network, listed)
        if not listed or listed == self.saved_ips or is_within(self.address, networks):
            return cleaned
        self.asks_about_address = True
        if not cleaned.get("without_own_address"):
            self.add_error(
                "without_own_address",
                f"Your current address, {self.address}, isn't in the list. Requests from it with this key will fail. "
                "Add it, or confirm that you don't need it.",
            )
        return cleaned


def expiry_choices(*first: tuple[str, str]) -> list[tuple[str, str]]:
    """Return the choices of an expiration, these first."""
    return [*first, *((days, f"In {words}") for days, words in DAYS.items()), ("date", "On a date…")]
