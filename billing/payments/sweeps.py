"""What the clock does for purchases, so that no credit depends on a webhook that arrives."""

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

from . import auto_top_up, auto_top_up_charges, cards, disputes, purchases, refunds, webhooks

__all__ = ["alert_low_balances", "charge_auto_top_ups", "forget_old_events", "reconcile", "rescue", "sweep"]

logger = logging.getLogger(__name__)

#: How many purchases and how many events one sweep looks at.
BATCH = 100
#: What is younger than this is still in the hands of the request that began it.
GRACE = timedelta(seconds=30)
#: After this many failures (an outage is none) an event waits for a person; its purchase is still looked at.
EVENT_ATTEMPTS = 50
#: How often a refund that the bank takes its time over is asked about.
REFUNDS_ASKED_EVERY = timedelta(hours=1)
#: How long dealt-with events are kept.
EVENTS_KEPT = timedelta(days=90)


def sweep() -> int:
    """How many purchases that await their payment were asked about. Failed events are tried again first."""
    now = timezone.now()
    _retry_events(now)
    # Nobody was ever given the address of these payment pages.
    unopened = Purchase.objects.filter(state=Purchase.State.CREATED, expires_at__lt=now)
    unopened.update(state=Purchase.State.EXPIRED)
    waiting = Purchase.objects.awaiting_payment().order_by(F("synced_at").asc(nulls_first=True))
    # Each provider by itself: one that does not answer must not keep the others' purchases waiting.
    asked = 0
    for name, provider in PROVIDERS.items():
        mine = waiting.filter(provider=name)
        if provider.gateway.is_configured():
            asked += _each(mine[:BATCH], _ask_about)
        else:
            # Its key was taken away. What was paid all the same is found when it comes back.
            Purchase.objects.filter(provider=name, state=Purchase.State.OPEN, expires_at__lt=now).update(
                state=Purchase.State.EXPIRED
            )
    _each(auto_top_up_charges.unresolved()[:BATCH], auto_top_up_charges.resume)
    _each(auto_top_up_charges.unnotified()[:BATCH], auto_top_up_charges.report_outcome)
    _each(_with_unkept_card(now)[:BATCH], cards.keep_paid_with)
    for name in PROVIDERS:
        _each(_with_unfinished_refunds(now).filter(provider=name)[:BATCH], refunds.sync)
    return asked


def charge_auto_top_ups() -> int:
    """Charge every account that is due for auto top-up, in case a request's report was lost; returns how many."""
    accounts = auto_top_up.low_accounts().order_by("pk").values_list("pk", flat=True)
    return sum(auto_top_up_charges.charge_if_low(account) is not None for account in accounts)


def alert_low_balances() -> int:
    """How many owners were told of a low balance: those whose request that noticed it was lost."""
    accounts = low_balance.low_accounts().order_by("pk").values_list("pk", flat=True)
    return sum(low_balance.alert(account) for account in accounts)


def _each(found: Iterable[Purchase], work: Callable[[Purchase], object]) -> int:
    """Do the work for each; how many times it was done. What is refused for one does not stop the others."""
    done = 0
    for purchase in found:
        try:
            work(purchase)
        except RequestRejected as refusal:
            logger.warning("purchase %s: the provider refuses: %s", purchase.pk, refusal)
        except Unavailable as silence:
            # Every further question would wait for the same time-out.
            logger.warning("the sweep stops, the provider does not answer: %s", silence)
            break
        done += 1
    return done


def _retry_events(now: datetime) -> None:
    waiting = ProviderEvent.objects.filter(
        state__in=(ProviderEvent.State.NEW, ProviderEvent.State.FAILED),
        received_at__lt=now - GRACE,
        attempts__lt=EVENT_ATTEMPTS,
    )
    longest_ago = waiting.order_by(F("tried_at").asc(nulls_first=True), "received_at")
    for name in PROVIDERS:
        for event in longest_ago.filter(provider=name)[:BATCH]:
            try:
                webhooks.look_into(event)
            except Unavailable as silence:
                logger.warning("events of %s wait for the next sweep, it does not answer: %s", name, silence)
                break


def _ask_about(purchase: Purchase) -> None:
    try:
        auto_top_up_charges.report_outcome(purchases.sync(purchase))
    except NotFound:
        # The provider no longer knows the page (a sandbox that was emptied, another key): it cannot be paid.
        if purchase.expires_at is not None and purchase.expires_at < timezone.now():
            Purchase.objects.filter(pk=purchase.pk, state=Purchase.State.OPEN).update(state=Purchase.State.EXPIRED)


def _with_unkept_card(now: datetime) -> QuerySet[Purchase]:
    """Purchases whose card should have been kept and was not. After an hour it never will be."""
    recent = Purchase.objects.filter(state=Purchase.State.CREDITED, credited_at__gt=now - timedelta(hours=1))
    return recent.filter(saves_card=True, card=None).order_by("pk")


def _with_unfinished_refunds(now: datetime) -> QuerySet[Purchase]:
    unasked = Q(refunds__state=Refund.State.REQUESTED) | Q(refunds__synced_at=None, refunds__state=Refund.State.PENDING)
    left = unasked & Q(refunds__created_at__lt=now - GRACE)
    under_way = Q(refunds__state=Refund.State.PENDING, refunds__synced_at__lt=now - REFUNDS_ASKED_EVERY)
    return Purchase.objects.filter(left | under_way).distinct().order_by("pk")


def rescue() -> int:
    """Credit every recent payment that a provider knows and we missed; how many there were (should be none).

    Refunds and disputes that we missed are booked on the way.
    """
    rescued = 0
    for name, provider in PROVIDERS.items():
        if not provider.gateway.is_configured():
            continue
        try:
            rescued += _rescue_payments(name, provider)
        except ProviderError as error:
            logger.warning("payments of %s could not be listed, the next run will: %s", name, error)
    return rescued


def _rescue_payments(name: str, provider: Provider) -> int:
    since = timezone.now() - provider.lookback
    ours = Purchase.objects.filter(provider=name)
    paid = ours.with_ids(*(payment.purchase_id for payment in provider.gateway.paid_since(since)))
    missed = list(paid.exclude(state__in=(Purchase.State.CREDITED, Purchase.State.REVIEW)))
    _each(missed, purchases.sync)
    credited = Purchase.objects.filter(pk__in=[purchase.pk for purchase in missed], state=Purchase.State.CREDITED)
    for purchase in credited:
        logger.warning("purchase %s was paid and only found by listing payments", purchase.pk)

    refunded = list(provider.gateway.refunded_since(since))
    booked = Refund.objects.filter(provider_refund__in=[refund.id for refund in refunded])
    states = dict(booked.values_list("provider_refund", "state"))
    # One that failed before we heard of it is nothing to us.
    moved = {each.payment_id for each in refunded if states.get(each.id, Refund.State.FAILED) != each.status.value}
    _each(ours.filter(provider_payment__in=moved), refunds.sync)
    if provider.supports_disputes:
        _rescue_disputes(since)
    return len(credited)


def _rescue_disputes(since: datetime) -> None:
    disputed = {dispute.id: dispute.payment_id for dispute in stripe.disputed_since(since)}
    known = Dispute.objects.filter(provider_dispute__in=disputed).values_list("provider_dispute", flat=True)
    unheard = set(disputed) - set(known)
    argued = Q(disputes__state__in=(Dispute.State.INQUIRY, Dispute.State.OPEN))
    new = Q(provider_payment__in=[disputed[each] for each in unheard])
    _each(Purchase.objects.filter(argued | new).distinct(), disputes.sync)


def reconcile() -> bool:
    """Prove the ledger; False, and an error in the log for every fault, when it does not add up."""
    found = reconciliation.faults()
    for fault in found:
        logger.error("the ledger does not add up: %s", fault)
    return not found


def forget_old_events() -> int:
    """Delete events that were dealt with long ago; how many."""
    done = ProviderEvent.objects.filter(
        state__in=(ProviderEvent.State.DONE, ProviderEvent.State.IGNORED),
        received_at__lt=timezone.now() - EVENTS_KEPT,
    )
    return done.delete()[0]
