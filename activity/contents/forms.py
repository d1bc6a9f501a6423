"""The form of logging: which requests are stored, and the consent."""

from decimal import Decimal
from typing import Any

from django import forms
from django.http import QueryDict

from accounts.models import Organisation, PrivacySettings
from gateway.content.recording import ALL
from keys.models import ApiKey

__all__ = ["LoggingForm"]

#: API keys that the form offers.
MOST_KEYS = 200


class LoggingForm(forms.Form):
    """Which requests are logged. While logging is off, it asks to agree."""

    percent = forms.DecimalField(
        label="Share of requests",
        min_value=Decimal("0.01"),
        max_value=Decimal(100),
        decimal_places=2,
        help_text="In percent, chosen at random. Only logged requests get the discount.",
        widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"}),
    )
    api_keys = forms.MultipleChoiceField(
        label="API keys",
        required=False,
        help_text="If you choose some, only their requests are logged, and chats aren't.",
        widget=forms.CheckboxSelectMultiple,
    )
    agree = forms.BooleanField(label="I've read this and agree to it", required=True)

    def __init__(self, organisation: Organisation, privacy: PrivacySettings, posted: QueryDict | None) -> None:
        percent = (Decimal(privacy.log_share) / 100).normalize()
        super().__init__(posted, initial={"percent": f"{percent:f}", "api_keys": privacy.log_keys})
        live = ApiKey.objects.of(organisation).for_inference().order_by("name", "pk")[:MOST_KEYS]
        choices = {each.hash: f"{each.name} ({each.label})" for each in live}
        for saved in privacy.log_keys:
            choices.setdefault(saved, f"Deleted key {saved[:8]}")
        keys = self.fields["api_keys"]
        assert isinstance(keys, forms.MultipleChoiceField)
        keys.choices = [*choices.items()]
        if not choices:
            del self.fields["api_keys"]
        if privacy.log_for_discount:
            del self.fields["agree"]
        elif organisation.is_shared:
            self.fields["agree"].label = f"I've read this and agree to it for {organisation.name}"

    @property
    def share(self) -> int:
        """The share of requests in basis points."""
        return int(self.cleaned_data["percent"] * ALL / 100)

    @property
    def hashes(self) -> list[str]:
        """The hashes of the chosen API keys; none for all requests."""
        chosen: Any = self.cleaned_data.get("api_keys") or []
        return [*chosen]
