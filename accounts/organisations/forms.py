"""Forms of the organization pages."""

from typing import Any

from django import forms

from accounts.models import LimitReset, Membership, Organisation, User
from common.money import PicoUsd, as_usd, parse_cents, pico_from_cents
from common.naming.names import clean_name

__all__ = ["DeleteForm", "DepartureForm", "InviteForm", "LimitForm", "NameForm", "RoleForm"]

DISABLE = "disable"
LARGEST_LIMIT_CENTS = 100_000_000


class NameForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic when it runs
    """An organization's name, without invisible characters."""

    class Meta:
        model = Organisation
        fields = ("name",)
        widgets = {"name": forms.TextInput({"autocomplete": "organization"})}  # noqa: RUF012

    def clean_name(self) -> str:
        name = clean_name(self.cleaned_data["name"])
        if not name:
            raise forms.ValidationError("Enter a name with at least one visible character.")
        return name


class InviteForm(forms.Form):
    """An email address and a role."""

    email = forms.EmailField(
        max_length=254,
        widget=forms.EmailInput({"autocomplete": "off", "placeholder": "name@example.com"}),
    )
    role = forms.ChoiceField(choices=Membership.Role.choices, initial=Membership.Role.MEMBER)


class RoleForm(forms.Form):
    """A role."""

    role = forms.ChoiceField(choices=Membership.Role.choices)


class LimitForm(forms.Form):
    """A member's spend limit, cleaned to pico-USD or None, and when its count starts again."""

    limit = forms.CharField(
        label="Spend limit",
        required=False,
        max_length=16,
        help_text="Maximum spend in US dollars, in the chat and with all keys. Leave empty for no limit.",
        widget=forms.TextInput({"inputmode": "decimal", "autocomplete": "off", "placeholder": "No limit"}),
    )
    reset = forms.ChoiceField(
        label="Limit resets",
        required=False,
        choices=[("", "Never"), *LimitReset.choices],
        help_text="At 00:00 UTC; weeks start on Monday. A new limit or interval counts from now.",
    )

    def __init__(self, membership: Membership, *args: Any, **options: Any) -> None:
        limit = membership.spend_limit
        text = "" if limit is None else format(as_usd(PicoUsd(limit)).normalize(), "f")
        options["initial"] = {"limit": text, "reset": membership.limit_reset}
        super().__init__(*args, **options)

    def clean_limit(self) -> PicoUsd | None:
        text = str(self.cleaned_data["limit"])
        if not text.strip():
            return None
        try:
            cents = parse_cents(text)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        if cents > LARGEST_LIMIT_CENTS:
            raise forms.ValidationError("Enter at most $1,000,000. Leave empty for no limit.")
        return pico_from_cents(cents)


class DepartureForm(forms.Form):
    """Hand a leaving member's keys over to an admin, `heir`, or disable them: then `heir` is None."""

    keys = forms.ChoiceField(label="API keys", widget=forms.RadioSelect, initial=DISABLE)

    def __init__(self, organisation: Organisation, leaver: User, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        admins = organisation.members.filter(memberships__role=Membership.Role.ADMIN).exclude(pk=leaver.pk)
        admins = admins.filter(memberships__organisation=organisation, is_active=True).distinct().order_by("email")
        self._heirs = {admin.public_id: admin for admin in admins}
        keys = self.fields["keys"]
        assert isinstance(keys, forms.ChoiceField)
        keys.choices = [
            (DISABLE, "Disable. Requests with these keys fail."),
            *((public_id, f"Hand over to {admin.email}. They keep working.") for public_id, admin in
              self._heirs.items()),
        ]  # fmt: skip

    @property
    def heir(self) -> User | None:
        return self._heirs.get(self.cleaned_data["keys"])


class DeleteForm(forms.Form):
    """The organization's name, typed to confirm that it shall be deleted."""

    name = forms.CharField(label="Organization name", max_length=200, widget=forms.TextInput({"autocomplete": "off"}))

    def __init__(self, organisation: Organisation, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._name = organisation.name

    def clean_name(self) -> str:
        name = str(self.cleaned_data["name"]).strip()
        if clean_name(name) != clean_name(self._name):
            raise forms.ValidationError("This is not the name of the organization.")
        return name
