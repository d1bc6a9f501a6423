"""Forms to create and edit keys."""

from datetime import datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from ipaddress import ip_network
from typing import Any

from django import forms
from django.utils import timezone

from common.clock import utc_now
from common.display.moments import moment_text
from common.money import PicoUsd, as_usd, pico_from_usd
from common.web.lines_field import LinesField

from .models import ApiKey
from .rules import restrictions
from .rules.status import is_within

__all__ = [
    "GRACES",
    "LARGEST_LIMIT",
    "CreateKeyForm",
    "CreateManagementKeyForm",
    "DollarsField",
    "EditKeyForm",
    "RotateKeyForm",
    "expiry_choices",
]

#: The largest limit, in dollars.
LARGEST_LIMIT = 1_000_000
#: Choices of a grace period, in hours.
GRACES = {"24": "1 day", "0": "None: it stops now", "1": "1 hour", "168": "7 days", "720": "30 days"}
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
