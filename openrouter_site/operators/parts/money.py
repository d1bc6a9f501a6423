"""Payment providers, their webhooks, and the ledger."""

from datetime import timedelta

from django.conf import settings
from django.db.models import Max
from django.urls import reverse

from billing.models import ProviderEvent, ReconciliationRun
from billing.providers import coinbase, stripe
from common.clock import utc_now

from .check import FAILING, MISSING, OK, SIMULATED, UNKNOWN, Check, ago, many

__all__ = ["check_ledger", "check_payments", "check_webhooks"]

#: Reconciliation runs every night.
RECONCILED_WITHIN = timedelta(hours=26)


def check_payments() -> list[Check]:
    """Whether cards and USDC are taken, and by what."""
    url = reverse("admin:billing_providerevent_changelist")
    if settings.STRIPE_IS_SANDBOX:
        remedy = "Set STRIPE_SECRET_KEY and STRIPE_WEBHOOK_SECRET."
        cards = Check("Card payments", SIMULATED, "The sandbox takes test cards. No money moves.", remedy, url)
    elif not settings.STRIPE_WEBHOOK_SECRETS:
        remedy = "Copy STRIPE_WEBHOOK_SECRET from the webhook endpoint's page in Stripe's dashboard."
        cards = Check("Card payments", MISSING, "Webhooks can't be verified.", remedy, url)
    elif not stripe.is_live():
        cards = Check("Card payments", SIMULATED, "Stripe is in test mode. No money moves.", "Use a live key.", url)
    else:
        cards = Check("Card payments", OK, "Stripe.", url=url)
    if settings.COINBASE_IS_SANDBOX:
        remedy = "Set COINBASE_API_KEY_ID, COINBASE_API_KEY_SECRET and COINBASE_WEBHOOK_SECRET."
        usdc = Check("USDC payments", SIMULATED, "A sandbox. No coins move.", remedy, url)
    elif not coinbase.is_configured():
        usdc = Check("USDC payments", OK, "Not offered.", "Set COINBASE_API_KEY_ID and its secrets to offer them.")
    else:
        usdc = Check("USDC payments", OK, "Coinbase.", url=url)
    return [cards, usdc]


def check_webhooks() -> list[Check]:
    """When the last webhook arrived, and those that could not be processed."""
    url = reverse("admin:billing_providerevent_changelist")
    failed = ProviderEvent.objects.filter(state=ProviderEvent.State.FAILED).count()
    last = ProviderEvent.objects.aggregate(last=Max("received_at"))["last"]
    if failed:
        remedy = "Open them, mend the cause and process them again."
        return [Check("Webhooks", FAILING, f"{many(failed, 'event')} could not be processed.", remedy, url)]
    if last is None:
        address = f"{settings.SITE_URL}/webhooks/stripe"
        remedy = f"They come with the first payment. Stripe must send them to {address}."
        return [Check("Webhooks", UNKNOWN, "None has arrived yet.", remedy, url)]
    return [Check("Webhooks", OK, f"The last one arrived {ago(last)}.", url=url)]


def check_ledger() -> list[Check]:
    """When the ledger was last checked, and its faults."""
    last = ReconciliationRun.objects.order_by("-finished_at").first()
    remedy = "Run: python manage.py reconcile_ledger"
    if last is None:
        return [Check("Ledger", UNKNOWN, "It has not been checked yet. The worker does so every night.", remedy)]
    if last.faults:
        detail = f"{many(last.faults, 'fault')} found {ago(last.finished_at)}."
        return [Check("Ledger", FAILING, detail, f"{remedy}. It names every row that disagrees.")]
    if last.finished_at < utc_now() - RECONCILED_WITHIN:
        return [Check("Ledger", FAILING, f"It was last checked {ago(last.finished_at)}.", "Is celery beat running?")]
    return [Check("Ledger", OK, f"It added up {ago(last.finished_at)}.")]
