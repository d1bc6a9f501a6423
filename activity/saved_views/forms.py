"""The form of a saved view."""

from django import forms

from activity.models import SavedView

__all__ = ["SavedViewForm"]


class SavedViewForm(forms.Form):
    """The name of a view, and whether it is shared: a field that only organizations with several members have."""

    name = forms.CharField(max_length=SavedView.LONGEST_NAME, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    shared = forms.BooleanField(
        required=False,
        label="Share with the organization",
        help_text="All members can open it. You and the admins can edit it.",
    )

    def __init__(self, *args: object, can_share: bool, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        if not can_share:
            del self.fields["shared"]

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise forms.ValidationError("Use letters, digits, spaces and punctuation only.")
        return name
