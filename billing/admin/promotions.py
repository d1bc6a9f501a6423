"""Admins of promotional codes and of their redemptions."""

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from accounts.models import User
from billing.credits import promotions
from billing.models import PromotionalCode, Redemption
from common.admin import Admin
from common.money import PicoUsd, format_cents, format_exact_usd, parse_cents

from .read_only import ReadOnlyAdmin

if TYPE_CHECKING:
    _CodeForm = forms.ModelForm[PromotionalCode]  # generic for the type checker only
else:
    _CodeForm = forms.ModelForm

_LIMITS = ("max_uses", "redeem_by", "is_active", "note")


class NewCodeForm(_CodeForm):
    """A new code. The amount is typed in dollars; without a name the code is random."""

    code = forms.CharField(required=False, max_length=60, help_text="Leave empty for a random code.")
    amount = forms.CharField(label="Amount in US dollars", max_length=16)

    class Meta:
        model = PromotionalCode
        fields: ClassVar = ["max_uses", "redeem_by", "credit_days", "new_accounts_only", "note"]
        help_texts: ClassVar = {
            "redeem_by": "UTC. Leave empty for a code without an end.",
            "credit_days": "Days until unspent credits expire. Leave empty for credits that don't expire.",
            "new_accounts_only": f"At most {promotions.NEW_ACCOUNT_AGE.days} days old, and without a purchase.",
        }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        try:
            self.rules = promotions.Rules(
                cents=parse_cents(cleaned["amount"]),
                **{name: cleaned[name] for name in ("max_uses", "redeem_by", "credit_days", "new_accounts_only")},
            )
            self.name = promotions.check(self.rules, cleaned["code"])
        except ValueError as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return cleaned


class CodeForm(_CodeForm):
    """An existing code: it can be ended, extended, or given more uses."""

    class Meta:
        model = PromotionalCode
        fields: ClassVar = list(_LIMITS)

    def clean_max_uses(self) -> int:
        number: int = self.cleaned_data["max_uses"]
        if not self.instance.uses <= number <= promotions.MAXIMUM_COUNT:
            raise forms.ValidationError(
                f"Enter {self.instance.uses:,} to {promotions.MAXIMUM_COUNT:,}: it was used {self.instance.uses} times."
            )
        return number


@admin.register(PromotionalCode)
class PromotionalCodeAdmin(Admin):
    ordering = ("-pk",)
    # One field: the usual two have no labels of their own.
    formfield_overrides: ClassVar = {
        models.DateTimeField: {
            "form_class": forms.DateTimeField,
            "widget": forms.DateTimeInput(attrs={"class": "vTextField", "placeholder": "2027-01-31 18:00"}),
        }
    }
    list_display = ("code", "credits", "uses", "max_uses", "redeem_by", "credit_days", "new_accounts_only", "is_active")
    list_filter = ("is_active", "new_accounts_only")
    search_fields = ("code", "note", "operator_email")

    @admin.display(description="credits", ordering="cents")
    def credits(self, code: PromotionalCode) -> str:
        return format_cents(code.cents)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        options["form"] = CodeForm if obj else NewCodeForm
        return super().get_form(request, obj, change=change, **options)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return ["code", "amount", "max_uses", "redeem_by", "credit_days", "new_accounts_only", "note"]
        return ["code", "credits", "uses", "credit_days", "new_accounts_only", "operator_email", "created_at", *_LIMITS]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [] if obj is None else [name for name in self.get_fields(request, obj) if name not in _LIMITS]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: PromotionalCode, form: Any, change: bool) -> None:
        if change:
            # Only these columns: the code may have been redeemed since the page was read.
            obj.save(update_fields=[name for name in form.changed_data if name in _LIMITS])
            return
        assert isinstance(request.user, User)
        created = promotions.create(form.rules, operator=request.user, code=form.name, note=obj.note)
        obj.pk, obj.code, obj.cents = created.pk, created.code, created.cents
        obj._state.adding = False


@admin.register(Redemption)
class RedemptionAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "code", "account", "credits", "user")
    list_select_related = ("code", "account__organisation", "user", "entry")
    search_fields = ("code__code", "user__email", "account__organisation__name", "account__organisation__public_id")

    def credits(self, redemption: Redemption) -> str:
        return format_exact_usd(PicoUsd(redemption.entry.amount))
