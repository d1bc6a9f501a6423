"""Periodic tasks for payments, so that no credit depends on a webhook."""

import logging
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

from django.db.models import F, Q, QuerySet
from django.utils import timezone

from billing.credits import reconciliation
from billing.models import Dispute, ProviderEvent, Purchase, Refund
from billing.notifications import low_balance
from billing.providers import stripe
from billing.providers.registry import PROVIDERS, Provider
from billing.providers.types import NotFound, ProviderError, RequestRejected, Unavailable
from common.telemetry.jobs import Parts

from . import auto_top_up, auto_top_up_charges, cards, disputes, purchases, refunds, webhooks

__all__ = [
    "alert_low_balances",
    "charge_auto_top_ups",
    "delete_old_events",
    "reconcile",
    "recover_missed_payments",
    "sweep",
]

logger = logging.getLogger(__name__)

#: Maximum number of purchases, and of events, that one sweep handles.
BATCH_SIZE = 100
#: Younger events and refunds are still handled by the request that created them.
GRACE_PERIOD = timedelta(seconds=30)
#: After this many failures an event is left to an operator. Outages do not count; its purchase is still swept.
MAX_EVENT_ATTEMPTS = 50
#: How often a pending refund is fetched.
REFUND_POLL_INTERVAL = timedelta(hours=1)
#: How long processed events are kept.
EVENT_RETENTION = timedelta(days=90)


def sweep() -> int:
    """Retry failed events and sync whatever is unfinished; returns how many pending purchases were synced."""
    now = timezone.now()
    _retry_events(now)
    # The payment page of these was never shown to the buyer.
    unopened = Purchase.objects.filter(state=Purchase.State.CREATED, expires_at__lt=now)
    unopened.update(state=Purchase.State.EXPIRED)
    pending = Purchase.objects.awaiting_payment().order_by(F("synced_at").asc(nulls_first=True))
    # By provider, so that an outage of one does not delay the purchases of the others.
    synced = 0
    for name, provider in PROVIDERS.items():
        if provider.gateway.is_configured():
            synced += _for_each(pending.filter(provider=name)[:BATCH_SIZE], _sync_pending)
        else:
            # The API key was removed. Payments made without it are found once it is back.
            Purchase.objects.filter(provider=name, state=Purchase.State.OPEN, expires_at__lt=now).update(
                state=Purchase.State.EXPIRED
            )
    _for_each(auto_top_up_charges.unresolved()[:BATCH_SIZE], auto_top_up_charges.resume)
    _for_each(auto_top_up_charges.unnotified()[:BATCH_SIZE], auto_top_up_charges.report_outcome)
    _for_each(_with_unsaved_card(now)[:BATCH_SIZE], cards.save_from_purchase)
    for name in PROVIDERS:
        _for_each(_with_unfinished_refunds(now).filter(provider=name)[:BATCH_SIZE], refunds.sync)
    return synced


def charge_auto_top_ups() -> int:
    """Charge every account that is due for auto top-up, in case a request's report was lost; returns how many."""
    accounts = auto_top_up.low_accounts().order_by("pk").values_list("pk", flat=True)
    return sum(auto_top_up_charges.charge_if_low(account) is not None for account in accounts)


def alert_low_balances() -> int:
    """Send every low-balance alert that is due, in case a request's report was lost; returns how many."""
    accounts = low_balance.accounts_to_alert().order_by("pk").values_list("pk", flat=True)
    return sum(low_balance.send_if_low(account) for account in accounts)


def _for_each(found: Iterable[Purchase], action: Callable[[Purchase], object]) -> int:
    """Call `action` for each purchase; returns how often. A rejected request does not stop it, an outage does."""
    done = 0
    for purchase in found:
        try:
            action(purchase)
        except RequestRejected as error:
            logger.warning("purchase %s: the provider rejected the request: %s", purchase.pk, error)
        except Unavailable as error:
            # Every further request would run into the same time-out.
            logger.warning("sweep stopped, the provider is unavailable: %s", error)
            break
        done += 1
    return done


def _retry_events(now: datetime) -> None:
    waiting = ProviderEvent.objects.filter(
        state__in=(ProviderEvent.State.NEW, ProviderEvent.State.FAILED),
        received_at__lt=now - GRACE_PERIOD,
        attempts__lt=MAX_EVENT_ATTEMPTS,
    )
    oldest_try_first = waiting.order_by(F("tried_at").asc(nulls_first=True), "received_at")
    for name in PROVIDERS:
        for event in oldest_try_first.filter(provider=name)[:BATCH_SIZE]:
            try:
                webhooks.process_or_raise(event)
            except Unavailable as error:
                logger.warning("events of %s wait for the next sweep, it is unavailable: %s", name, error)
                break


def _sync_pending(purchase: Purchase) -> None:
    try:
        auto_top_up_charges.report_outcome(purchases.sync(purchase))
    except NotFound:
        # The provider no longer has the page (a reset sandbox, another API key), so it cannot be paid.
        if purchase.expires_at is not None and purchase.expires_at < timezone.now():
            Purchase.objects.filter(pk=purchase.pk, state=Purchase.State.OPEN).update(state=Purchase.State.EXPIRED)


def _with_unsaved_card(now: datetime) -> QuerySet[Purchase]:
    """Purchases whose card should have been saved but is not. They are given up after an hour."""
    recent = Purchase.objects.filter(state=Purchase.State.CREDITED, credited_at__gt=now - timedelta(hours=1))
    return recent.filter(saves_card=True, card=None).order_by("pk")


def _with_unfinished_refunds(now: datetime) -> QuerySet[Purchase]:
    unsent = Q(refunds__state=Refund.State.REQUESTED) | Q(refunds__synced_at=None, refunds__state=Refund.State.PENDING)
    abandoned = unsent & Q(refunds__created_at__lt=now - GRACE_PERIOD)
    pending = Q(refunds__state=Refund.State.PENDING, refunds__synced_at__lt=now - REFUND_POLL_INTERVAL)
    return Purchase.objects.filter(abandoned | pending).distinct().order_by("pk")


def recover_missed_payments(now: datetime | None = None) -> int:
    """Credit every recent payment that the provider lists and we missed; returns how many (normally none).

    Missed refunds and disputes are recorded as well. A failure does not keep the other providers and purchases from
    it. Raises JobFailed at the end.
    """
    recovered, parts = 0, Parts(logger)
    for name, provider in PROVIDERS.items():
        if not provider.gateway.is_configured():
            continue
        with parts.part("missed payments of %s were not recovered", name):
            try:
                recovered += _recover(name, provider, parts, since=(now or timezone.now()) - provider.lookback)
            except ProviderError as error:
                parts.fail("payments of %s could not be listed, the next run will retry: %s", name, error)
    parts.end()
    return recovered


def _sync_each(found: Iterable[Purchase], sync: Callable[[Purchase], object], parts: Parts) -> None:
    """Call `sync` for each purchase. A failure does not stop it, an outage of the provider does."""
    for purchase in found:
        with parts.part("purchase %s was not synced", purchase.pk):
            try:
                sync(purchase)
            except Unavailable as error:
                parts.fail("purchase %s was not synced, the provider is unavailable: %s", purchase.pk, error)
                return


def _recover(name: str, provider: Provider, parts: Parts, *, since: datetime) -> int:
    ours = Purchase.objects.filter(provider=name)
    paid = ours.with_ids(*(payment.purchase_id for payment in provider.gateway.paid_since(since)))
    missed = list(paid.exclude(state__in=(Purchase.State.CREDITED, Purchase.State.REVIEW)))
    _sync_each(missed, purchases.sync, parts)
    credited = Purchase.objects.filter(pk__in=[purchase.pk for purchase in missed], state=Purchase.State.CREDITED)
    for purchase in credited:
        logger.warning("purchase %s was paid, and found only by listing payments", purchase.pk)

    refunded = list(provider.gateway.refunded_since(since))
    recorded = Refund.objects.filter(provider_refund__in=[refund.id for refund in refunded])
    states = dict(recorded.values_list("provider_refund", "state"))
    # Ignore refunds that failed before we recorded them.
    changed = {
        refund.payment_id for refund in refunded if states.get(refund.id, Refund.State.FAILED) != refund.status.value
    }
    _sync_each(ours.filter(provider_payment__in=changed), refunds.sync, parts)
    if provider.supports_disputes:
        _recover_disputes(since, parts)
    return len(credited)


def _recover_disputes(since: datetime, parts: Parts) -> None:
    disputed = {dispute.id: dispute.payment_id for dispute in stripe.disputed_since(since)}
    known = Dispute.objects.filter(provider_dispute__in=disputed).values_list("provider_dispute", flat=True)
    missed = set(disputed) - set(known)
    undecided = Q(disputes__state__in=(Dispute.State.INQUIRY, Dispute.State.OPEN))
    new = Q(provider_payment__in=[disputed[dispute] for dispute in missed])
    _sync_each(Purchase.objects.filter(undecided | new).distinct(), disputes.sync, parts)


def reconcile() -> bool:
    """Check the ledger and log every fault as an error; returns whether there are none."""
    found = reconciliation.reconcile()
    for fault in found:
        logger.error("reconciliation fault: %s", fault)
    return not found


def delete_old_events() -> int:
    """Delete events that were processed long ago; returns how many."""
    processed = ProviderEvent.objects.filter(
        state__in=(ProviderEvent.State.DONE, ProviderEvent.State.IGNORED),
        received_at__lt=timezone.now() - EVENT_RETENTION,
    )
    return processed.delete()[0]
