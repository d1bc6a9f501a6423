"""Forms of the credits page."""

import re
from typing import Any

from django import forms
from django.db.models import QuerySet

from billing.models import Purchase, SavedCard
from billing.payments.quotes import AmountRefused, Quote, quote
from billing.providers import registry
from common.money import cents_as_usd, format_cents, parse_usd

__all__ = [
    "PRESETS",
    "AutoTopUpForm",
    "BuyForm",
    "LowBalanceForm",
    "QuoteForm",
    "RefundForm",
    "TopUpPriceForm",
    "dollars",
    "prefilled",
]

#: Amounts on buttons, in dollars.
PRESETS = ("10", "25", "100")
CUSTOM = "custom"


class QuoteForm(forms.Form):
    """How many credits, paid how. Once valid, `quote` is the price."""

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
                "aria-describedby": "quote",  # where the reason is when there is no price
            }
        ),
    )
    method = forms.ChoiceField(
        label="Pay with",
        choices=registry.offered_methods,
        initial=Purchase.Method.CARD,
        widget=forms.RadioSelect,
        error_messages={
            "required": "Choose how to pay.",
            "invalid_choice": "This way to pay is not offered here. Choose one of those below.",
        },
    )

    quote: Quote

    @property
    def provider(self) -> str:
        """Who takes the chosen method, and so whose fee it costs; of a form that says nothing, who takes cards."""
        return registry.provider_name(getattr(self, "cleaned_data", {}).get("method") or Purchase.Method.CARD)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        preset = cleaned.get("preset")
        if preset is None or "custom" not in cleaned or "method" not in cleaned:
            return cleaned
        try:
            cents = int(preset) * 100 if preset != CUSTOM else _cents(cleaned["custom"])
            self.quote = quote(cents, self.provider)
        except AmountRefused as refusal:
            self.add_error("custom", str(refusal))
        except ValueError as error:
            self.add_error("custom", str(error))
        return cleaned


class BuyForm(QuoteForm):
    """A purchase: the quote, the total that the buyer saw, and the token that makes sending it twice harmless."""

    total = forms.IntegerField(widget=forms.HiddenInput, required=False)  # cents
    token = forms.CharField(widget=forms.HiddenInput, min_length=16, max_length=60)
    save_card = forms.BooleanField(label="Keep this card for auto top-up", required=False)

    @property
    def total_is_what_was_seen(self) -> bool:
        """Whether the buyer saw the total that the purchase would cost now."""
        return bool(self.cleaned_data["total"] == self.quote.total_cents)


class RefundForm(forms.Form):
    """A refund of exactly the amount that the page showed."""

    cents = forms.IntegerField(widget=forms.HiddenInput, min_value=1)


def _dollars(label: str, initial: str, help_text: str = "") -> forms.CharField:
    attrs = {"inputmode": "decimal", "autocomplete": "off"}
    return forms.CharField(
        label=label, initial=initial, help_text=help_text, max_length=16, widget=forms.TextInput(attrs=attrs)
    )


class TopUpPriceForm(forms.Form):
    """How many credits one auto top-up buys. Once valid, `quote` is the price."""

    amount = _dollars("Add", "25.00", "US dollars of credit, each time.")

    quote: Quote

    def clean_amount(self) -> int:
        try:
            self.quote = quote(_cents(self.cleaned_data["amount"]))
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        return self.quote.credit_cents


class LowBalanceForm(forms.Form):
    """The line below which the owner is told. Becomes cents."""

    line = _dollars("When the balance falls below", "100.00")

    def clean_line(self) -> int:
        try:
            cents = _cents(self.cleaned_data["line"])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        if not 100 <= cents <= 100_000_000:
            raise forms.ValidationError("Enter an amount from $1.00 to $1,000,000.00.")
        return cents


class AutoTopUpForm(TopUpPriceForm):
    """The agreement: when to buy, how much, with which card, and at most how much in a day. Amounts become cents."""

    field_order = ("threshold", "amount", "daily_limit", "card", "consent")

    threshold = _dollars("When the balance falls below", "5.00")
    daily_limit = _dollars("At most in 24 hours", "100.00", "Auto top-up waits when this much credit was bought.")
    card = forms.ModelChoiceField(
        SavedCard.objects.none(),
        label="Charge",
        widget=forms.RadioSelect,
        empty_label=None,
        error_messages={"required": "Choose the card to charge.", "invalid_choice": "Choose one of your saved cards."},
    )
    consent = forms.BooleanField(
        error_messages={"required": "Auto top-up needs your consent to charge the card while you are away."}
    )

    def __init__(self, data: Any, *, cards: "QuerySet[SavedCard]", initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)
        field = self.fields["card"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = cards

    def clean_card(self) -> SavedCard:
        card: SavedCard = self.cleaned_data["card"]
        if card.has_expired:
            raise forms.ValidationError(f"{card} has expired. Choose another card, or save a new one.")
        return card

    def clean_threshold(self) -> int:
        cents = self._cents_of("threshold")
        if cents < 100:
            raise forms.ValidationError("Enter $1.00 or more.")
        return cents

    def clean_daily_limit(self) -> int:
        return self._cents_of("daily_limit")

    def _cents_of(self, name: str) -> int:
        try:
            return _cents(self.cleaned_data[name])
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        amount, threshold, limit = (cleaned.get(name) for name in ("amount", "threshold", "daily_limit"))
        if amount and threshold and threshold > amount:
            self.add_error("threshold", f"Enter {format_cents(amount)} or less, so that one top-up is enough.")
        if amount and limit is not None and limit < amount:
            self.add_error("daily_limit", f"Enter {format_cents(amount)} or more: one top-up buys that much.")
        return cleaned


class BillingDetailsForm(forms.Form):
    """Whom receipts are made out to."""

    name = forms.CharField(label="Name", max_length=200, widget=forms.TextInput(attrs={"autocomplete": "organization"}))
    address = forms.CharField(
        label="Address",
        required=False,
        max_length=500,
        help_text="Street, place and country, up to 8 lines.",
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "street-address"}),
    )
    tax_ids = forms.CharField(
        label="Tax ids",
        required=False,
        max_length=300,
        help_text="VAT, GST, ABN, EIN and the like, one on each line, up to 5. They are printed as you write them.",
        widget=forms.Textarea(attrs={"rows": 2, "autocomplete": "off"}),
    )

    def clean_address(self) -> str:
        return _lines(self.cleaned_data["address"], 8)

    def clean_tax_ids(self) -> str:
        return _lines(self.cleaned_data["tax_ids"], 5)


def prefilled(amount: str) -> dict[str, str]:
    """Initial values for an amount in dollars from a link; the first preset for anything that is none."""
    try:
        cents = _cents(amount)
    except ValueError:
        return {"preset": PRESETS[0]}
    whole = str(cents // 100)
    if cents % 100 == 0 and whole in PRESETS:
        return {"preset": whole}
    return {"preset": CUSTOM, "custom": dollars(cents)}


def dollars(cents: int) -> str:
    """Cents as they are typed into a field: "1250.00"."""
    return str(cents_as_usd(cents))


def _lines(text: str, most: int) -> str:
    """The lines that say something."""
    lines = [line for each in text.splitlines() if (line := each.strip())]
    if len(lines) > most:
        raise forms.ValidationError(f"Use {most} lines at most.")
    return "\n".join(lines)


def _cents(text: str) -> int:
    if not text.strip():
        raise ValueError("Enter an amount in dollars.")
    if not re.fullmatch(r"\s*\$?\s*[0-9][0-9,]*(\.[0-9]*)?\s*", text):
        raise ValueError("Enter an amount in dollars, for example 10 or 12.50.")
    return parse_usd(text)
