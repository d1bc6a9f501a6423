"""Forms of the billing details: name and address, and a row for each tax ID."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import QueryDict

from billing.receipts import tax_ids

__all__ = ["BillingDetailsForm", "TaxIdForms", "initial_rows", "lines_of", "with_another_row"]

PREFIX = "tax"

if TYPE_CHECKING:
    _Rows = forms.BaseFormSet["TaxIdForm"]  # generic for the type checker only
else:
    _Rows = forms.BaseFormSet


class BillingDetailsForm(forms.Form):
    """The name and address on receipts."""

    name = forms.CharField(label="Name", max_length=200, widget=forms.TextInput(attrs={"autocomplete": "organization"}))
    address = forms.CharField(
        label="Address",
        required=False,
        max_length=500,
        help_text="Street, city and country, up to 8 lines.",
        widget=forms.Textarea(attrs={"rows": 4, "autocomplete": "street-address"}),
    )

    def clean_address(self) -> str:
        lines = [line for each in self.cleaned_data["address"].splitlines() if (line := each.strip())]
        if len(lines) > 8:
            raise forms.ValidationError("Enter at most 8 lines.")
        return "\n".join(lines)


class TaxIdForm(forms.Form):
    """A kind of tax ID and its number. Once the form is valid, `line` is the tax ID; empty without a number."""

    kind = forms.ChoiceField(
        label="Country",
        required=False,
        choices=[("", "Choose a country"), *tax_ids.choices()],
        error_messages={"invalid_choice": "Choose a country from the list."},
    )
    number = forms.CharField(
        label="Tax ID",
        required=False,
        max_length=tax_ids.LONGEST,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    line = ""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        kind, number = cleaned.get("kind"), cleaned.get("number")
        if number and kind:
            try:
                self.line = tax_ids.write(kind, number)
            except tax_ids.InvalidTaxId as error:
                self.add_error("number", str(error))
        elif number and "kind" not in self.errors:
            self.add_error("kind", "Choose the country of this tax ID.")
        return cleaned


class _TaxIdForms(_Rows):
    """The rows, of which the last is empty until there are as many as a receipt shows."""

    default_error_messages = _Rows.default_error_messages | {
        "missing_management_form": "The tax IDs are incomplete. Reload the page and try again.",
        "too_many_forms": f"Enter at most {tax_ids.MOST} tax IDs.",
    }


TaxIdForms = forms.formset_factory(
    TaxIdForm, formset=_TaxIdForms, max_num=tax_ids.MOST, absolute_max=tax_ids.MOST + 1, validate_max=True
)


def initial_rows(lines: str) -> list[dict[str, str]]:
    """Return the initial values of the rows for saved tax IDs, one per line."""
    parsed = (tax_ids.parse(line) for line in lines.splitlines())
    return [{"kind": kind, "number": number} for kind, number in parsed]


def lines_of(rows: _Rows) -> str:
    """Return the tax IDs of valid rows, one per line, each once."""
    return "\n".join(dict.fromkeys(row.line for row in rows if row.line))


def with_another_row(data: QueryDict) -> QueryDict:
    """Return the submitted form with an empty row more, if there may be one."""
    changed, name = data.copy(), f"{PREFIX}-TOTAL_FORMS"
    try:
        changed[name] = str(min(tax_ids.MOST, int(data.get(name, "0")) + 1))
    except ValueError:
        changed[name] = "1"
    return changed
