"""Made-up content for the overview of components, in development only."""

import re
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.template.loader import get_template


class ExampleForm(forms.Form):
    """Every kind of field. Bound to invalid values, it shows every kind of error."""

    name = forms.CharField(max_length=40, help_text="Shown in the list of keys.")
    email = forms.EmailField(label="E-mail")
    limit = forms.DecimalField(required=False, min_value=1, help_text="Empty: no limit.")
    reset = forms.ChoiceField(label="Starts again", choices=[("", "Never"), ("daily", "Every day")], required=False)
    note = forms.CharField(widget=forms.Textarea, required=False)
    password = forms.CharField(widget=forms.PasswordInput, help_text="At least 10 characters.")
    agree = forms.BooleanField(label="I have saved the key")

    def clean(self) -> dict[str, Any]:
        raise forms.ValidationError("This is an error of the whole form. It says what to do.")


def examples() -> dict[str, Any]:
    """Return the context of the page."""
    wrong = ExampleForm({"email": "not an address", "limit": "0"}, auto_id="wrong_%s")
    wrong.is_valid()
    return {
        "form": ExampleForm(auto_id="right_%s"),
        "wrong": wrong,
        "page": Paginator(range(100), 10).page(2),
        "colours": [
            "bg",
            "surface",
            "raised",
            "line",
            "text",
            "muted",
            "faint",
            "accent",
            "accent-solid",
            "accent-soft",
        ],
        "series": range(10),
        "bars": [
            (day * 24 + 8, 96 - height, height, day % 4) for day, height in enumerate([30, 52, 41, 70, 64, 88, 57])
        ],
        "icons": icon_names(),
    }


def icon_names() -> list[str]:
    """Return the names of the icons in the sprite."""
    source = get_template("components/icons.html").template.source  # type: ignore[attr-defined]
    return re.findall(r'id="i-([a-z-]+)"', source)
