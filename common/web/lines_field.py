"""A form field for a list of entries."""

from collections.abc import Callable
from typing import Any

from django import forms

__all__ = ["LinesField"]


class LinesField(forms.CharField):
    """Entries on lines of their own, or separated by spaces or commas, cleaned by `read` to a list."""

    def __init__(self, read: Callable[[list[str]], list[str]], *, placeholder: str, **options: Any) -> None:
        self.read = read
        attributes = {"rows": 3, "autocomplete": "off", "spellcheck": "false", "placeholder": placeholder}
        super().__init__(max_length=20_000, required=False, widget=forms.Textarea(attributes), **options)

    def clean(self, value: Any) -> list[str]:
        try:
            return self.read(super().clean(value).replace(",", " ").split())
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
