"""Admins of purchases and of everything else that involves payment providers."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from billing.models import (
    AutoTopUp,
    BillingDetails,
    Dispute,
    EmailChoice,
    Notice,
    ProviderEvent,
    Purchase,
    Receipt,
    Refund,
    SavedCard,
)
from billing.notifications import outbox
from billing.payments import auto_top_up_charges, cards, disputes, purchases, refunds, webhooks
from billing.providers.types import ProviderError
from common.money import format_cents, format_exact_usd

from .read_only import ReadOnlyAdmin

#: Search fields of the purchase behind a refund, dispute or receipt.
PURCHASE_SEARCH_FIELDS = (
    "purchase__id",
    "purchase__receipt_number",
    "purchase__provider_session",
    "purchase__provider_payment",
    "purchase__user__email",
    "purchase__account__organisation__name",
    "purchase__account__organisation__members__email",
)


@admin.register(Purchase)
class PurchaseAdmin(ReadOnlyAdmin):
    ordering = ("-created_at",)
    list_display = (
        "created_at",
        "organisation",
        "bought",
        "paid",
        "method",
        "state",
        "receipt_number",
        "review_reason",
    )
    list_filter = ("state", "source", "method", "created_at")
    dollar_columns: ClassVar = {"credit_cents": "bought", "fee_cents": "fee"}
    list_select_related = ("account__organisation",)
    search_fields = (
        "id",
        "receipt_number",
        "provider_session",
        "provider_payment",
        "transaction",
        "user__email",
        "account__organisation__name",
        "account__organisation__public_id",
        "account__organisation__members__email",
    )
    actions = ("sync", "accept", "refund_unspent")

    @admin.display(description="organization", ordering="account__organisation__name")
    def organisation(self, purchase: Purchase) -> str:
        return purchase.account.organisation.name

    @admin.display(description="credits", ordering="credit_cents")
    def bought(self, purchase: Purchase) -> str:
        return format_cents(purchase.credit_cents)

    @admin.display(description="fee")
    def fee(self, purchase: Purchase) -> str:
        return format_cents(purchase.fee_cents)

    @admin.display(description="total")
    def paid(self, purchase: Purchase) -> str:
        return format_cents(purchase.total_cents)

    @admin.action(description="Sync status with the payment provider", permissions=["change"])
    def sync(self, request: HttpRequest, queryset: QuerySet[Purchase]) -> None:
        done = 0
        for purchase in queryset:
            try:
                synced = purchases.sync(purchase)
                auto_top_up_charges.report_outcome(synced)
                refunds.sync(synced)
                disputes.sync(synced)
                done += 1
            except ProviderError as error:
                self.message_user(request, f"Purchase {purchase.pk}: {error}", messages.ERROR)
        self.report(request, done, "Purchases synced")

    @admin.action(description="Accept (add the quoted credits of a paid purchase under review)", permissions=["change"])
    def accept(self, request: HttpRequest, queryset: QuerySet[Purchase]) -> None:
        done = 0
        for purchase in queryset:
            try:
                purchases.accept(purchase)
                self.log_action(request, purchase, f"Accepted despite: {purchase.review_reason}")
                done += 1
            except (ValueError, ProviderError) as error:
                self.message_user(request, f"Purchase {purchase.pk}: {error}", messages.ERROR)
        self.report(request, done, "Purchases credited")

    @admin.action(description="Refund unspent credits (also after the refund window)", permissions=["change"])
    def refund_unspent(self, request: HttpRequest, queryset: QuerySet[Purchase]) -> HttpResponse | None:
        """Show the refunds for confirmation first; a second request with their amounts makes them."""
        confirmed = {each: request.POST.get(f"cents:{each.pk}", "") for each in queryset}
        if not any(confirmed.values()):
            return self._confirmation_page(request, queryset)
        done = 0
        operator = Refund.Origin.OPERATOR
        for purchase, cents in confirmed.items():
            try:
                refunds.request(purchase, request.user, cents=int(cents), origin=operator)  # type: ignore[arg-type]
                self.log_action(request, purchase, f"Refunded {format_cents(int(cents))}.")
                done += 1
            except refunds.AmountChanged:
                problem = "The refundable amount has changed. Nothing was refunded. Select the purchase again."
                self.message_user(request, f"Purchase {purchase.pk}: {problem}", messages.ERROR)
            except (refunds.NotRefundable, ValueError) as error:
                self.message_user(request, f"Purchase {purchase.pk}: {error}", messages.ERROR)
        self.report(request, done, "Refunds requested")
        return None

    def _confirmation_page(self, request: HttpRequest, queryset: QuerySet[Purchase]) -> HttpResponse | None:
        offered = []
        for purchase in queryset:
            try:
                offered.append((purchase, refunds.offer(purchase, by_operator=True).cents))
            except refunds.NotRefundable as reason:
                self.message_user(request, f"Purchase {purchase.pk}: {reason}", messages.ERROR)
        if not offered:
            self.report(request, 0, "Refunds requested")
            return None
        context = self.admin_site.each_context(request) | {
            "offered": offered,
            "total": sum(cents for _, cents in offered),
            "title": "Refund unspent credits",
            "opts": self.opts,
        }
        return render(request, "billing/admin/refund.html", context)


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    ordering = ("-created_at",)
    list_display = ("created_at", "number", "purchase", "given", "taken", "origin", "state", "failure")
    list_filter = ("state", "origin")
    dollar_columns: ClassVar = {"cents": "given", "credit_cents": "taken"}
    list_select_related = ("purchase",)
    search_fields = ("id", "number", "provider_refund", *PURCHASE_SEARCH_FIELDS)
    account_path = "purchase__account"

    @admin.display(description="refunded")
    def given(self, refund: Refund) -> str:
        return format_cents(refund.cents)

    @admin.display(description="credits deducted")
    def taken(self, refund: Refund) -> str:
        return format_cents(refund.credit_cents)


@admin.register(Receipt)
class ReceiptAdmin(ReadOnlyAdmin):
    list_display = ("issued_at", "__str__", "name", "email", "completed_at")
    list_select_related = ("purchase",)
    search_fields = ("name", "email", *PURCHASE_SEARCH_FIELDS)
    account_path = "purchase__account"


@admin.register(BillingDetails)
class BillingDetailsAdmin(ReadOnlyAdmin):
    list_display = ("account", "name")
    list_select_related = ("account__organisation",)
    search_fields = ("name", "account__organisation__name", "account__organisation__members__email")


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "provider_dispute", "purchase", "amount", "reason", "state", "due_by")
    list_filter = ("state", "reason")
    dollar_columns: ClassVar = {"cents": "amount"}
    list_select_related = ("purchase",)
    search_fields = ("provider_dispute", *PURCHASE_SEARCH_FIELDS)
    account_path = "purchase__account"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        return [*super().get_readonly_fields(request, obj), "credits_not_taken"]

    @admin.display(ordering="cents")
    def amount(self, dispute: Dispute) -> str:
        return format_cents(dispute.cents)

    def credits_not_taken(self, dispute: Dispute) -> str:
        if not (missing := disputes.not_taken(dispute)):
            return "-"
        receivers = ", ".join(disputes.receivers_of(dispute)) or "no account"
        return f"{format_exact_usd(missing)}, moved to {receivers}. Freeze or adjust that account if need be."


@admin.register(ProviderEvent)
class ProviderEventAdmin(ReadOnlyAdmin):
    list_display = ("received_at", "provider", "type", "event_id", "object_id", "state", "attempts", "error")
    list_filter = ("state", "provider", "type")
    search_fields = ("event_id", "object_id", "payment_id", "purchase_id")
    account_path = ""
    actions = ("reprocess",)

    @admin.action(description="Reprocess", permissions=["change"])
    def reprocess(self, request: HttpRequest, queryset: QuerySet[ProviderEvent]) -> None:
        unprocessed = queryset.filter(state__in=(ProviderEvent.State.NEW, ProviderEvent.State.FAILED))
        self.report(request, sum(webhooks.process(event) for event in unprocessed), "Events processed")


@admin.register(Notice)
class NoticeAdmin(ReadOnlyAdmin):
    """Emails that are waiting to be sent or could not be sent."""

    ordering = ("-created_at",)
    list_display = ("created_at", "account", "user", "subject", "tries", "due_at", "error")
    list_filter = (("due_at", admin.EmptyFieldListFilter),)
    list_select_related = ("account__organisation", "user")
    search_fields = ("subject", "user__email", "account__organisation__name")
    actions = ("send_now",)

    @admin.action(description="Send now", permissions=["change"])
    def send_now(self, request: HttpRequest, queryset: QuerySet[Notice]) -> None:
        waiting = list(queryset.values_list("pk", flat=True))
        Notice.objects.filter(pk__in=waiting).update(due_at=timezone.now(), tries=0)
        self.report(request, sum(outbox.deliver(notice) for notice in waiting), "Emails sent")


@admin.register(EmailChoice)
class EmailChoiceAdmin(ReadOnlyAdmin):
    """Which emails about an account people turned on or off. A kind without a row has its default."""

    list_display = ("account", "user", "kind", "is_on", "covered_until")
    list_filter = ("kind", "is_on")
    list_select_related = ("account__organisation", "user")
    search_fields = ("user__email", "account__organisation__name", "account__organisation__public_id")


@admin.register(SavedCard)
class SavedCardAdmin(ReadOnlyAdmin):
    list_display = ("created_at", "account", "__str__", "exp_month", "exp_year", "state")
    list_select_related = ("account__organisation",)
    list_filter = ("state",)
    search_fields = ("provider_method", "account__organisation__name", "account__organisation__members__email")
    actions = ("remove",)

    @admin.action(description="Remove the card, at the payment provider too", permissions=["change"])
    def remove(self, request: HttpRequest, queryset: QuerySet[SavedCard]) -> None:
        done = 0
        for card in queryset.filter(state=SavedCard.State.ACTIVE):
            try:
                cards.remove(card)
                self.log_action(request, card, "Removed.")
                done += 1
            except ProviderError as error:
                self.message_user(request, f"{card}: {error}", messages.ERROR)
        self.report(request, done, "Cards removed")


@admin.register(AutoTopUp)
class AutoTopUpAdmin(ReadOnlyAdmin):
    list_display = ("account", "is_on", "below", "buys", "card", "off_reason", "consent_at")
    list_filter = ("is_on",)
    list_select_related = ("account__organisation", "card")
    dollar_columns: ClassVar = {"threshold_cents": "below", "amount_cents": "buys", "daily_limit_cents": "a_day"}
    search_fields = (
        "account__organisation__name",
        "account__organisation__public_id",
        "account__organisation__members__email",
    )

    @admin.display(description="threshold", ordering="threshold_cents")
    def below(self, agreement: AutoTopUp) -> str:
        return format_cents(agreement.threshold_cents)

    @admin.display(description="amount", ordering="amount_cents")
    def buys(self, agreement: AutoTopUp) -> str:
        return format_cents(agreement.amount_cents)

    @admin.display(description="24-hour limit")
    def a_day(self, agreement: AutoTopUp) -> str:
        return format_cents(agreement.daily_limit_cents)
