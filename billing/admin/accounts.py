"""Admins of credit accounts, their ledger and their lots."""

from typing import Any, ClassVar
from uuid import uuid4

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html

from accounts.models import User
from billing import lookup
from billing.credits import adjustments, ledger
from billing.models import Adjustment, CreditAccount, LedgerEntry, Lot
from billing.payments import disputes
from common.money import PicoUsd, format_exact_usd, pico_from_usd

from .read_only import ReadOnlyAdmin


class AdjustForm(forms.Form):
    """A grant of credits to an account, or a negative adjustment, with its reason."""

    amount = forms.DecimalField(
        label="Amount in US dollars",
        max_digits=12,
        decimal_places=6,
        help_text="Enter a negative amount to deduct credits.",
    )
    reason = forms.CharField(
        max_length=200,
        help_text="The customer sees it in the transaction history.",
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
    token = forms.CharField(widget=forms.HiddenInput, max_length=60)

    def clean_amount(self) -> Any:
        amount = self.cleaned_data["amount"]
        if not amount:
            raise forms.ValidationError("Enter an amount other than zero.")
        return amount


@admin.register(CreditAccount)
class CreditAccountAdmin(ReadOnlyAdmin):
    list_display = (
        "organisation",
        "balance_usd",
        "held_usd",
        "purchased_usd",
        "has_auto_top_up",
        "frozen_reason",
        "adjust_link",
    )
    list_filter = (("frozen_reason", admin.EmptyFieldListFilter),)
    list_select_related = ("organisation",)
    search_fields = (
        "organisation__name",
        "organisation__public_id",
        "organisation__members__email",
        "stripe_customer_id",
    )
    account_path = "pk"
    dollar_columns: ClassVar = {
        "credits": "credits_usd",
        "usage": "usage_usd",
        "held": "held_usd",
        "purchased": "purchased_usd",
        "auto_top_up_below": "auto_top_up_below_usd",
        "alert_below": "alert_below_usd",
    }
    actions = ("freeze", "unfreeze")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        # A search that joins every purchase would be far too slow.
        if (paid := lookup.account_of_payment(search_term.strip())) is not None:
            return queryset.filter(pk__in=paid), False
        return super().get_search_results(request, queryset, search_term)

    @admin.display(description="balance", ordering="credits")
    def balance_usd(self, account: CreditAccount) -> str:
        return format_exact_usd(PicoUsd(account.balance))

    @admin.display(description="credits")
    def credits_usd(self, account: CreditAccount) -> str:
        return format_exact_usd(PicoUsd(account.credits))

    @admin.display(description="usage")
    def usage_usd(self, account: CreditAccount) -> str:
        return format_exact_usd(PicoUsd(account.usage))

    @admin.display(description="auto top-up below")
    def auto_top_up_below_usd(self, account: CreditAccount) -> str:
        return "-" if account.auto_top_up_below is None else format_exact_usd(PicoUsd(account.auto_top_up_below))

    @admin.display(description="alert below")
    def alert_below_usd(self, account: CreditAccount) -> str:
        return "-" if account.alert_below is None else format_exact_usd(PicoUsd(account.alert_below))

    @admin.display(description="on hold", ordering="held")
    def held_usd(self, account: CreditAccount) -> str:
        return format_exact_usd(PicoUsd(account.held))

    @admin.display(description="purchased", ordering="purchased")
    def purchased_usd(self, account: CreditAccount) -> str:
        return format_exact_usd(PicoUsd(account.purchased))

    @admin.display(description="auto top-up", boolean=True)
    def has_auto_top_up(self, account: CreditAccount) -> bool:
        return account.auto_top_up_below is not None

    @admin.display(description="adjustment")
    def adjust_link(self, account: CreditAccount) -> str:
        return format_html(
            '<a href="{}">Adjust credits</a>', reverse("admin:billing_creditaccount_adjust", args=[account.pk])
        )

    @admin.action(description="Freeze (blocks requests, purchases, refunds and auto top-up)", permissions=["change"])
    def freeze(self, request: HttpRequest, queryset: QuerySet[CreditAccount]) -> None:
        done = 0
        for account in queryset.filter(frozen_reason=""):
            CreditAccount.objects.filter(pk=account.pk).update(frozen_reason="Our support team froze it.")
            self.log_action(request, account, "Frozen.")
            done += 1
        self.report(request, done, "Accounts frozen")

    @admin.action(description="Unfreeze (the credits must cover usage and holds)", permissions=["change"])
    def unfreeze(self, request: HttpRequest, queryset: QuerySet[CreditAccount]) -> None:
        done = 0
        for account in queryset.exclude(frozen_reason=""):
            if disputes.unfreeze(account):
                self.log_action(request, account, "Unfrozen.")
                done += 1
            else:
                problem = f"Couldn't unfreeze the {account}. Its credits don't cover usage and holds."
                self.message_user(request, problem, messages.ERROR)
        self.report(request, done, "Accounts unfrozen")

    def get_urls(self) -> list[URLPattern]:
        adjust = self.admin_site.admin_view(self.adjust)
        return [path("<int:account_id>/adjust/", adjust, name="billing_creditaccount_adjust"), *super().get_urls()]

    def adjust(self, request: HttpRequest, account_id: int) -> HttpResponse:
        """Grant or take credits: one ledger entry, with the operator and the reason."""
        account = get_object_or_404(CreditAccount, pk=account_id)
        if not self.has_change_permission(request):
            return HttpResponse("You don't have permission to adjust credits.", status=403, content_type="text/plain")
        form = AdjustForm(request.POST or None, initial={"token": str(uuid4())})
        if form.is_valid() and self._adjust(request, account, form):
            return redirect("admin:billing_creditaccount_changelist")
        context = self.admin_site.each_context(request) | {
            "form": form,
            "account": account,
            "title": f"Adjust the credits of {account.organisation}",
            "opts": self.opts,
        }
        return render(request, "billing/admin/adjust.html", context)

    def _adjust(self, request: HttpRequest, account: CreditAccount, form: AdjustForm) -> bool:
        amount, reason = form.cleaned_data["amount"], form.cleaned_data["reason"]
        assert isinstance(request.user, User)
        try:
            _, is_new = adjustments.adjust(
                account,
                pico_from_usd(amount),
                operator=request.user,
                reason=reason,
                reference=form.cleaned_data["token"],
            )
        except adjustments.ReferenceUsed:
            form.add_error(None, "Form already submitted with another amount. Reload it.")
            return False
        except ValueError:
            form.add_error("amount", f"You can deduct at most {format_exact_usd(PicoUsd(account.available))}.")
            return False
        shown = format_exact_usd(abs(amount))
        if is_new:
            self.log_action(request, account, f"{'Granted' if amount > 0 else 'Deducted'} {shown}: {reason}")
        done = f"Granted {shown} to" if amount > 0 else f"Deducted {shown} from"
        self.message_user(request, f"{done} {account.organisation}.")
        return True


@admin.register(Adjustment)
class AdjustmentAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "account", "amount", "reason", "operator_email")
    list_filter = ("created_at",)
    list_select_related = ("entry__account__organisation",)
    search_fields = ("operator_email", "reason", "entry__reference", "entry__account__organisation__name")
    account_path = "entry__account"

    def account(self, adjustment: Adjustment) -> str:
        return adjustment.entry.account.organisation.name

    def amount(self, adjustment: Adjustment) -> str:
        return format_exact_usd(PicoUsd(adjustment.entry.amount))


@admin.register(LedgerEntry)
class LedgerEntryAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "account", "kind", "moved", "after", "note", "reference")
    list_filter = ("kind", "created_at")
    list_select_related = ("account__organisation",)
    dollar_columns: ClassVar = {"amount": "moved", "credits_after": "after"}
    search_fields = (
        "reference",
        "note",
        "purchase__provider_payment",
        "account__organisation__public_id",
        "account__organisation__name",
        "account__organisation__members__email",
    )

    @admin.display(description="amount", ordering="amount")
    def moved(self, entry: LedgerEntry) -> str:
        return format_exact_usd(PicoUsd(entry.amount))

    @admin.display(description="credits after")
    def after(self, entry: LedgerEntry) -> str:
        return format_exact_usd(PicoUsd(entry.credits_after))


@admin.register(Lot)
class LotAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "account", "purchase", "size", "expires_at")
    list_select_related = ("account__organisation", "purchase")
    dollar_columns: ClassVar = {"amount": "size"}
    search_fields = (
        "purchase__id",
        "purchase__provider_payment",
        "account__organisation__public_id",
        "account__organisation__members__email",
    )

    @admin.display(description="amount", ordering="amount")
    def size(self, lot: Lot) -> str:
        return format_exact_usd(PicoUsd(lot.amount))

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        # Only on the page of one lot, because it sums all lots before it.
        return [*super().get_readonly_fields(request, obj), "unspent"]

    def unspent(self, lot: Lot) -> str:
        return format_exact_usd(ledger.unspent(lot))
