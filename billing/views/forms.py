"""Forms of the credits and auto top-up pages, and of refunds. Typed amounts become cents."""

from typing import Any

from django import forms
from django.db.models import QuerySet

from billing.models import Purchase, SavedCard
from billing.payments.quotes import AmountRefused, Quote, quote
from billing.providers import registry
from common.money import cents_as_usd, format_cents, parse_cents

__all__ = [
    "PRESETS",
    "AutoTopUpForm",
    "BuyForm",
    "LowBalanceForm",
    "QuoteForm",
    "RedeemForm",
    "RefundForm",
    "TopUpPriceForm",
    "initial_amount",
    "input_text",
]

#: Amounts offered as buttons, in dollars.
PRESETS = ("10", "25", "100")
CUSTOM = "custom"


class QuoteForm(forms.Form):
    """An amount of credits and a payment method. Once the form is valid, `quote` is the price."""

    preset = forms.ChoiceField(
        label="Amount",
        choices=[*((amount, f"${amount}") for amount in PRESETS), (CUSTOM, "Other")],
        widget=forms.RadioSelect,
        error_messages={"required": "Choose an amount."},
    )
    custom = forms.CharField(
        label="Other amount in US dollars",
        required=False,
        max_length=16,
        widget=forms.TextInput(
            attrs={
                "inputmode": "decimal",
                "autocomplete": "off",
                "placeholder": "50.00",
                "aria-describedby": "quote",  # shows the price, or the reason why there is none
            }
        ),
    )
    method = forms.ChoiceField(
        label="Pay with",
        choices=registry.offered_methods,
        initial=Purchase.Method.CARD,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose a payment method.",
            "invalid_choice": "This payment method isn't available. Choose another.",
        },
    )

    quote: Quote

    @property
    def chosen_method(self) -> str:
        """The chosen method; card if no valid one is chosen."""
        return str(getattr(self, "cleaned_data", {}).get("method") or Purchase.Method.CARD)

    @property
    def provider(self) -> str:
        """The provider of the chosen method, which sets the fee."""
        return registry.provider_name(self.chosen_method)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        preset = cleaned.get("preset")
        if preset is None or "custom" not in cleaned or "method" not in cleaned:
            return cleaned
        try:
            cents = int(preset) * 100 if preset != CUSTOM else parse_cents(cleaned["custom"])
            self.quote = quote(cents, self.provider)
        except ValueError as error:  # AmountRefused included
            self.add_error("custom", str(error))
        return cleaned


class BuyForm(QuoteForm):
    """A purchase: the quote, the total shown to the buyer, and a token that makes a resubmission idempotent."""

    total = forms.IntegerField(widget=forms.HiddenInput, required=False)  # cents
    token = forms.CharField(widget=forms.HiddenInput, min_length=16, max_length=60)
    save_card = forms.BooleanField(label="Save this card for auto top-up", required=False)

    @property
    def total_is_current(self) -> bool:
        """Whether the total shown to the buyer is still the price."""
        return bool(self.cleaned_data["total"] == self.quote.total_cents)


class RefundForm(forms.Form):
    """A refund of the amount that the page showed."""

    cents = forms.IntegerField(widget=forms.HiddenInput, min_value=1)


class DollarsField(forms.CharField):
    """A typed amount of dollars ("10", "$12.50"), cleaned to cents."""

    def __init__(self, label: str, initial: str, help_text: str = "") -> None:
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        super().__init__(label=label, initial=initial, help_text=help_text, max_length=16, widget=widget)

    def clean(self, value: Any) -> int:
        try:
            return parse_cents(super().clean(value))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error


class RedeemForm(forms.Form):
    """A promotional code as it is typed."""

    code = forms.CharField(
        label="Promotional code",
        max_length=100,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
        error_messages={"required": "Enter a code.", "max_length": "This code isn't valid. Check the spelling."},
    )


class TopUpPriceForm(forms.Form):
    """The amount that one auto top-up buys. Once the form is valid, `quote` is the price."""

    amount = DollarsField("Amount to buy", "25.00", "Credits bought each time, in US dollars.")

    quote: Quote

    def clean_amount(self) -> int:
        try:
            self.quote = quote(self.cleaned_data["amount"])
        except AmountRefused as error:
            raise forms.ValidationError(str(error)) from error
        return self.quote.credit_cents


class LowBalanceForm(forms.Form):
    """The threshold of the low-balance alert."""

    threshold = DollarsField("When the balance drops below", "100.00")

    def clean_threshold(self) -> int:
        cents: int = self.cleaned_data["threshold"]
        if not 100 <= cents <= 100_000_000:
            raise forms.ValidationError("Enter an amount from $1.00 to $1,000,000.00.")
        return cents


class AutoTopUpForm(TopUpPriceForm):
    """The terms of auto top-up: the threshold, the amount, the 24-hour limit and the card."""

    field_order = ("threshold", "amount", "daily_limit", "card", "consent")

    threshold = DollarsField("When the balance drops below", "5.00")
    daily_limit = DollarsField("24-hour limit", "100.00", "Auto top-up pauses after buying this much in 24 hours.")
    card = forms.ModelChoiceField(
        SavedCard.objects.none(),
        label="Card",
        widget=forms.RadioSelect,
        empty_label=None,
        error_messages={"required": "Choose a card to charge.", "invalid_choice": "Choose one of your saved cards."},
    )
    consent = forms.BooleanField(error_messages={"required": "Check the box to allow automatic charges to this card."})

    def __init__(self, data: Any, *, cards: "QuerySet[SavedCard]", initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)
        field = self.fields["card"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = cards

    def clean_card(self) -> SavedCard:
        card: SavedCard = self.cleaned_data["card"]
        if card.has_expired:
            raise forms.ValidationError(f"{card} has expired. Choose another card or add a new one.")
        return card

    def clean_threshold(self) -> int:
        cents: int = self.cleaned_data["threshold"]
        if cents < 100:
            raise forms.ValidationError("Enter $1.00 or more.")
        return cents

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        amount, threshold, limit = (cleaned.get(name) for name in ("amount", "threshold", "daily_limit"))
        if amount and threshold and threshold > amount:
            self.add_error(
                "threshold", f"Enter {format_cents(amount)} or less. The threshold can't exceed the amount to buy."
            )
        if amount and limit is not None and limit < amount:
            self.add_error("daily_limit", f"Enter {format_cents(amount)} or more. Each top-up buys that much.")
        return cleaned


def initial_amount(amount: str) -> dict[str, str]:
    """Return initial form values for an amount in dollars from a link; the first preset if it is invalid."""
    try:
        cents = parse_cents(amount)
    except ValueError:
        return {"preset": PRESETS[0]}
    whole = str(cents // 100)
    if cents % 100 == 0 and whole in PRESETS:
        return {"preset": whole}
    return {"preset": CUSTOM, "custom": input_text(cents)}


def input_text(cents: int) -> str:
    """Return cents as the text of an input field: "1250.00"."""
    return str(cents_as_usd(cents))
