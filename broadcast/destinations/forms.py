"""The forms of destinations, one for each kind."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from django import forms
from django.views.decorators.debug import sensitive_variables

from accounts.models import Organisation
from broadcast.kinds import MASK
from broadcast.kinds.webhook import METHODS
from broadcast.models import ALL, Destination
from keys.models import ApiKey

from . import saving

__all__ = ["DestinationForm"]

_PLAIN = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "none"}
PERCENT = Decimal(ALL) / 100


class HeadersField(forms.CharField):
    """Headers, one `Name: value` on each line, cleaned to a dictionary."""

    def __init__(self) -> None:
        super().__init__(
            required=False,
            max_length=50_000,
            help_text="One header per line, for example: Authorization: Bearer your-token. Values are stored encrypted "
            f"and shown as {MASK}; leave that to keep one.",
            widget=forms.Textarea({**_PLAIN, "rows": 3, "class": "mono"}),
        )

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(f"{name}: {each}" for name, each in value.items()) if isinstance(value, dict) else value

    def clean(self, value: Any) -> dict[str, str]:
        headers = {}
        for line in super().clean(value).splitlines():
            name, colon, text = line.partition(":")
            if line.strip() and not (colon and name.strip()):
                raise forms.ValidationError("Write each header as Name: value.")
            if line.strip():
                headers[name.strip()] = text.strip()
        return headers


def _address(**options: Any) -> forms.CharField:
    return forms.CharField(max_length=2000, widget=forms.TextInput({**_PLAIN, "inputmode": "url"}), **options)


def _text(**options: Any) -> forms.CharField:
    return forms.CharField(max_length=2000, widget=forms.TextInput(_PLAIN), **options)


def _secret(**options: Any) -> forms.CharField:
    return forms.CharField(max_length=2000, widget=forms.PasswordInput(_PLAIN), **options)


#: The fields of each kind's configuration, under the names that it has in the API.
_FIELDS: dict[str, dict[str, Callable[[], forms.Field]]] = {
    Destination.Kind.OTLP: {
        "endpoint": lambda: _address(
            label="Endpoint", help_text="For example https://otel.example.com. Without a path, /v1/traces is added."
        ),
        "headers": HeadersField,
    },
    Destination.Kind.WEBHOOK: {
        "url": lambda: _address(label="URL"),
        "method": lambda: forms.ChoiceField(choices=[(each, each) for each in METHODS]),
        "headers": HeadersField,
    },
    Destination.Kind.S3: {
        "bucketName": lambda: _text(label="Bucket"),
        "region": lambda: _text(label="Region", required=False, help_text="us-east-1 if empty."),
        "endpoint": lambda: _address(
            label="Endpoint", required=False, help_text="For storage other than Amazon S3, such as R2 or MinIO."
        ),
        "accessKeyId": lambda: _text(label="Access key ID"),
        "secretAccessKey": lambda: _secret(label="Secret access key"),
        "prefix": lambda: _text(label="Folder", required=False, initial="openrouter-traces"),
        "pathTemplate": lambda: _text(
            label="Path",
            required=False,
            initial="{prefix}/{date}",
            help_text="Made of {prefix}, {date}, {year}, {month}, {day} and {hour}, in UTC.",
        ),
    },
}
_SECRETS = ("secretAccessKey",)


class DestinationForm(forms.Form):
    """A destination's settings: `config` and `settings` return them once the form is valid."""

    name = forms.CharField(max_length=saving.MAX_NAME, widget=forms.TextInput(_PLAIN))
    percent = forms.DecimalField(
        label="Sampling",
        min_value=Decimal(1) / PERCENT,
        max_value=100,
        decimal_places=2,
        initial=100,
        help_text="Percent of requests to send. Requests of one session are all sent, or none of them.",
    )
    api_keys = forms.MultipleChoiceField(
        label="API keys",
        required=False,
        help_text="If you choose some, only their requests are sent, not the chat's.",
        widget=forms.CheckboxSelectMultiple,
    )
    privacy_mode = forms.BooleanField(
        label="Privacy mode",
        required=False,
        initial=True,
        help_text="Never send prompts and responses. Without it they are sent if your organization logs them.",
    )
    with_cost = forms.BooleanField(label="Cost", required=False, initial=True)
    with_identity = forms.BooleanField(label="User ID and name of the API key", required=False)
    with_context = forms.BooleanField(label="Session, app and user agent", required=False)
    enabled = forms.BooleanField(
        label="Enabled", required=False, help_text="Requests made while it is disabled are never sent."
    )

    def __init__(
        self, organisation: Organisation, kind: str, *args: Any, destination: Destination | None = None, **options: Any
    ) -> None:
        """Make the form of a new destination of a kind, or of an existing one."""
        if destination is not None:
            options["initial"] = _initial(destination)
        super().__init__(*args, **options)
        self._destination = destination
        self._organisation = organisation
        self._names = [*_FIELDS[kind]]
        for name, make in _FIELDS[kind].items():
            self.fields[name] = make()
        if destination is None:
            del self.fields["enabled"]
        else:
            for name in self.fields.keys() & set(_SECRETS):
                self.fields[name].required = False
                self.fields[name].help_text = "Leave empty to keep the saved one. It can't be shown."
        self._offer_keys(destination)

    def _offer_keys(self, destination: Destination | None) -> None:
        chosen = (destination.key_ids if destination else None) or []
        live = ApiKey.objects.of(self._organisation).for_inference().order_by("name", "pk")
        offered = {str(key.pk): f"{key.name} ({key.label})" for key in live[: saving.MAX_KEYS]}
        for key in ApiKey.objects.filter(organisation=self._organisation, pk__in=chosen):
            offered.setdefault(str(key.pk), f"{key.name} ({'deleted' if key.deleted_at else key.label})")
        field = self.fields["api_keys"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [*offered.items()]
        if not offered:
            del self.fields["api_keys"]

    @property
    def config_fields(self) -> list[forms.BoundField]:
        """The fields of the configuration."""
        return [self[name] for name in self._names]

    @sensitive_variables()
    def config(self) -> dict[str, Any]:
        """Return the configuration, with masks for secrets that stay."""
        given = {name: self.cleaned_data[name] for name in self._names}
        if self._destination is not None:
            given |= {name: MASK for name in _SECRETS if given.get(name) == ""}
        return given

    def settings(self) -> Any:
        """Return the settings for `saving`."""
        cleaned = self.cleaned_data
        names = ("name", "privacy_mode", "with_cost", "with_identity", "with_context", "enabled")
        return {
            **{name: cleaned[name] for name in names if name in cleaned},
            "sample": int(cleaned["percent"] * PERCENT),
            "key_ids": sorted(map(int, cleaned.get("api_keys") or ())) or None,
        }

    def refuse(self, message: str) -> None:
        """Show an error of `saving` at the field that it names, or above all fields."""
        field, _, rest = message.partition(": ")
        if field in self.fields and rest:
            self.add_error(field, rest[0].upper() + rest[1:])
        else:
            self.add_error(None, message)


def _initial(destination: Destination) -> dict[str, Any]:
    names = ("name", "privacy_mode", "with_cost", "with_identity", "with_context", "enabled")
    return {
        **{name: getattr(destination, name) for name in names},
        "percent": (Decimal(destination.sample) / PERCENT).normalize().__format__("f"),
        "api_keys": [str(each) for each in destination.key_ids or ()],
        **{name: value for name, value in saving.public_config(destination).items() if name not in _SECRETS},
    }
