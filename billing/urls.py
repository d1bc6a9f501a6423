"""Routes of `billing`."""

from django.urls import path
from django.views.generic import RedirectView

from . import receipt_views, top_up_views, views, webhooks

app_name = "billing"

urlpatterns = [
    # /settings/credits
    path("settings/credits", views.show_credits, name="credits"),
    path("settings/credits/quote", views.show_quote, name="quote"),
    path("settings/credits/buy", views.buy_credits, name="buy-credits"),
    path("settings/credits/billing-details", receipt_views.billing_details, name="billing-details"),
    path("settings/credits/low-balance-alert", views.low_balance_alert, name="low-balance-alert"),
    path("settings/credits/low-balance-alert/off", views.stop_low_balance_alert, name="stop-low-balance-alert"),
    path("settings/credits/transactions.csv", views.export_transactions, name="export-transactions"),
    path("settings/credits/return", views.purchase_return, name="purchase-return"),
    path("settings/credits/purchases/<uuid:purchase_id>", views.show_purchase, name="purchase"),
    path("settings/credits/purchases/<uuid:purchase_id>/cancel", views.cancel_purchase, name="cancel-purchase"),
    path("settings/credits/purchases/<uuid:purchase_id>/receipt", receipt_views.receipt, name="receipt"),
    path(
        "settings/credits/purchases/<uuid:purchase_id>/receipt/complete",
        receipt_views.complete_receipt,
        name="complete-receipt",
    ),
    path("settings/credits/purchases/<uuid:purchase_id>/refund", views.refund_purchase, name="refund-purchase"),
    path("settings/credits/refunds/<uuid:refund_id>", views.show_refund, name="refund"),
    path("settings/credits/auto-top-up", top_up_views.show_auto_top_up, name="auto-top-up"),
    path("settings/credits/auto-top-up/price", top_up_views.show_top_up_price, name="top-up-price"),
    path("settings/credits/auto-top-up/off", top_up_views.stop_auto_top_up, name="stop-auto-top-up"),
    path("settings/credits/cards/add", top_up_views.add_card, name="add-card"),
    path("settings/credits/cards/return", top_up_views.card_return, name="card-return"),
    path("settings/credits/cards/<int:card_id>/remove", top_up_views.remove_card, name="remove-card"),
    path("credits", RedirectView.as_view(pattern_name="billing:credits", query_string=True), name="short-credits"),
    # /webhooks
    path("webhooks/stripe", webhooks.stripe_webhook, name="stripe-webhook"),
    path("webhooks/coinbase", webhooks.coinbase_webhook, name="coinbase-webhook"),
]
