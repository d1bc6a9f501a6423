"""URLs of `billing`."""

from django.urls import path
from django.views.generic import RedirectView

from billing.payments import webhooks
from billing.views import auto_top_up, credits, notifications, purchases, receipts, transfers

app_name = "billing"

urlpatterns = [
    # /settings/credits
    path("settings/credits", credits.show_credits, name="credits"),
    path("settings/credits/quote", credits.show_quote, name="quote"),
    path("settings/credits/buy", credits.buy_credits, name="buy-credits"),
    path("settings/credits/redeem", credits.redeem_code, name="redeem-code"),
    path("settings/credits/billing-details", receipts.edit_billing_details, name="billing-details"),
    path("settings/credits/low-balance-alert", credits.set_low_balance_alert, name="low-balance-alert"),
    path("settings/credits/low-balance-alert/off", credits.stop_low_balance_alert, name="stop-low-balance-alert"),
    path("settings/credits/transactions.csv", credits.export_transactions, name="export-transactions"),
    path("settings/credits/move", transfers.move_credits, name="move-credits"),
    path("settings/credits/return", purchases.purchase_return, name="purchase-return"),
    path("settings/credits/purchases/<uuid:purchase_id>", purchases.show_purchase, name="purchase"),
    path("settings/credits/purchases/<uuid:purchase_id>/cancel", purchases.cancel_purchase, name="cancel-purchase"),
    path("settings/credits/purchases/<uuid:purchase_id>/receipt", receipts.show_receipt, name="receipt"),
    path(
        "settings/credits/purchases/<uuid:purchase_id>/receipt/complete",
        receipts.complete_receipt,
        name="complete-receipt",
    ),
    path("settings/credits/purchases/<uuid:purchase_id>/refund", purchases.refund_purchase, name="refund-purchase"),
    path("settings/credits/refunds/<uuid:refund_id>", purchases.show_refund, name="refund"),
    path("settings/credits/auto-top-up", auto_top_up.show_auto_top_up, name="auto-top-up"),
    path("settings/credits/auto-top-up/price", auto_top_up.show_top_up_price, name="top-up-price"),
    path("settings/credits/auto-top-up/off", auto_top_up.stop_auto_top_up, name="stop-auto-top-up"),
    path("settings/credits/cards/add", auto_top_up.add_card, name="add-card"),
    path("settings/credits/cards/return", auto_top_up.card_return, name="card-return"),
    path("settings/credits/cards/<int:card_id>/remove", auto_top_up.remove_card, name="remove-card"),
    path("credits", RedirectView.as_view(pattern_name="billing:credits", query_string=True), name="short-credits"),
    # /settings/notifications
    path("settings/notifications", notifications.show_notifications, name="notifications"),
    path("unsubscribe/<str:token>", notifications.unsubscribe, name="unsubscribe"),
    # /webhooks
    path("webhooks/stripe", webhooks.stripe_webhook, name="stripe-webhook"),
    path("webhooks/coinbase", webhooks.coinbase_webhook, name="coinbase-webhook"),
]
