"""Periodic tasks: credits appear even if no webhook ever arrives."""

from datetime import timedelta

import pytest
from django.conf import settings as site_settings
from django.utils import timezone

from billing import tasks
from billing.models import ProviderEvent, Purchase
from billing.payments import cards, purchases, sweeps
from billing.providers.types import RequestRejected, Unavailable
from common.telemetry.jobs import JobFailed
from openrouter_site.celery import app
from tests.billing.conftest import buy, credits_of, deliver
from tests.billing.usdc_sandbox import deliver as deliver_usdc

State = Purchase.State


# --- Purchases --------------------------------------------------------------------------------------


def test_a_paid_purchase_is_credited_without_any_webhook(payments, empty_account):
    payments.pay(payments.buy())

    assert sweeps.sweep() == 1
    assert credits_of(empty_account) == 1000
    assert sweeps.sweep() == 0  # nothing is pending any more


def test_an_abandoned_page_expires(payments):
    payments.expire(payments.buy())

    sweeps.sweep()
    assert Purchase.objects.get().state == State.EXPIRED


@pytest.mark.parametrize(
    "changes", [{"provider_session": "unknown"}, {"state": State.CREATED, "provider_session": None}]
)
def test_a_purchase_without_a_page_at_the_provider_ends_when_its_time_is_up(payments, changes):
    payments.buy()
    Purchase.objects.update(**changes)
    before = Purchase.objects.get().state
    sweeps.sweep()
    assert Purchase.objects.get().state == before

    Purchase.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    sweeps.sweep()
    assert Purchase.objects.get().state == State.EXPIRED


@pytest.mark.parametrize("state", [State.EXPIRED, State.CANCELED, State.FAILED])
def test_a_payment_of_an_ended_purchase_is_found_by_listing(payments, empty_account, state):
    payments.pay(payments.buy())
    Purchase.objects.update(state=state)
    assert sweeps.sweep() == 0  # it is not pending any more

    assert sweeps.recover_missed_payments() == 1
    assert credits_of(empty_account) == 1000
    assert sweeps.recover_missed_payments() == 0


def test_payments_without_a_purchase_are_ignored(payments, empty_account):
    payments.pay(payments.buy())
    Purchase.objects.all().delete()

    assert sweeps.recover_missed_payments() == 0
    assert credits_of(empty_account) == 0


def test_the_purchases_that_wait_longest_are_synced_first(sandbox, empty_account, alice, monkeypatch):
    monkeypatch.setattr(sweeps, "BATCH_SIZE", 2)
    bought = [buy(empty_account, alice) for _ in range(3)]
    now = timezone.now()
    for purchase, minutes in zip(bought, (1, 9, 5), strict=True):
        Purchase.objects.filter(pk=purchase.pk).update(synced_at=now - timedelta(minutes=minutes))
        sandbox.pay(purchase)

    sweeps.sweep()

    assert [Purchase.objects.get(pk=each.pk).state for each in bought] == [State.OPEN, State.CREDITED, State.CREDITED]


def test_a_credited_purchase_is_not_fetched_again(sandbox, purchase):
    sandbox.pay(purchase)
    purchase = purchases.sync(purchase)
    sandbox.fail("refuse", status=500, count=1)

    sweeps.sweep()
    purchases.sync(purchase)
    assert sandbox.failures_left() == 1


def test_a_sweep_without_purchases_makes_no_requests(db):
    assert sweeps.sweep() == 0


# --- Outages ----------------------------------------------------------------------------------------


def test_an_outage_ends_the_sweep_and_the_next_one_finishes(sandbox, empty_account, alice):
    for _ in range(2):
        sandbox.pay(buy(empty_account, alice))
    sandbox.fail("refuse", status=503, count=3)

    assert sweeps.sweep() == 0
    assert sweeps.sweep() == 2
    assert credits_of(empty_account) == 2000


def test_an_outage_of_one_provider_does_not_delay_the_purchases_of_another(
    sandbox, crypto, usdc_purchase, empty_account, alice
):
    by_card = buy(empty_account, alice)
    sandbox.pay(by_card)
    crypto.pay(usdc_purchase)
    sandbox.fail("refuse", status=503, count=3)

    assert sweeps.sweep() == 1
    assert credits_of(empty_account) == 1000
    sandbox.fail("refuse", status=503, count=3)
    Purchase.objects.filter(state=State.OPEN).update(state=State.EXPIRED)
    with pytest.raises(JobFailed, match=r"^payments of stripe could not be listed"):
        tasks.recover_missed_payments()
    assert sweeps.recover_missed_payments() == 1
    assert credits_of(empty_account) == 2000


def test_what_one_provider_lists_is_recovered_while_another_is_away(
    sandbox, crypto, usdc_purchase, empty_account, alice
):
    sandbox.pay(buy(empty_account, alice))
    crypto.pay(usdc_purchase)
    Purchase.objects.update(state=State.EXPIRED)
    sandbox.fail("refuse", status=503, count=3)

    with pytest.raises(JobFailed, match=r"^payments of stripe could not be listed"):
        tasks.recover_missed_payments()
    assert Purchase.objects.get(pk=usdc_purchase.pk).state == State.CREDITED
    assert credits_of(empty_account) == 1000


@pytest.mark.parametrize("error", [KeyError("a bug"), RequestRejected("refused")])
def test_a_missed_payment_that_fails_does_not_keep_the_others_from_their_credits(
    sandbox, empty_account, alice, monkeypatch, error: Exception
):
    bought = [buy(empty_account, alice) for _ in range(3)]
    for purchase in bought:
        sandbox.pay(purchase)
    Purchase.objects.update(state=State.EXPIRED)
    sync = purchases.sync

    def failing_for_one(purchase: Purchase) -> Purchase:
        if purchase.pk == bought[1].pk:
            raise error
        return sync(purchase)

    monkeypatch.setattr(purchases, "sync", failing_for_one)
    with pytest.raises(JobFailed, match=rf"^purchase {bought[1].pk} was not synced$"):
        tasks.recover_missed_payments()
    states = [Purchase.objects.get(pk=purchase.pk).state for purchase in bought]
    assert states == [State.CREDITED, State.EXPIRED, State.CREDITED]


def test_an_outage_amid_missed_payments_is_not_waited_for_once_for_each(sandbox, empty_account, alice, monkeypatch):
    for _ in range(3):
        sandbox.pay(buy(empty_account, alice))
    Purchase.objects.update(state=State.EXPIRED)
    tried = []

    def away(purchase: Purchase) -> Purchase:
        tried.append(purchase)
        raise Unavailable("no response")

    monkeypatch.setattr(purchases, "sync", away)
    with pytest.raises(JobFailed, match="was not synced, the provider is unavailable: no response"):
        tasks.recover_missed_payments()
    assert len(tried) == 1


def test_in_an_outage_only_one_event_per_provider_is_tried(
    client, sandbox, crypto, usdc_purchase, empty_account, alice
):
    for _ in range(4):
        bought = buy(empty_account, alice)
        sandbox.pay(bought)
        [event] = sandbox.events(bought, "checkout.session.completed")
        sandbox.fail("refuse", status=503, count=3)
        assert deliver(client, event).status_code == 503
    crypto.pay(usdc_purchase)
    webhook = crypto.webhooks_about(usdc_purchase, "checkout.payment.success")[-1]
    crypto.fail("refuse", status=503, count=3)
    assert deliver_usdc(client, webhook.event).status_code == 503
    ProviderEvent.objects.update(received_at=timezone.now() - timedelta(minutes=1))

    sandbox.fail("refuse", status=503, count=99)
    sweeps.sweep()

    assert 99 - sandbox.failures_left() == 6  # the first event and the first purchase, three tries each
    states = dict(ProviderEvent.objects.order_by("tried_at").values_list("provider", "state"))
    assert states == {"stripe": ProviderEvent.State.FAILED, "coinbase": ProviderEvent.State.DONE}
    sandbox.post("/_test/reset")


def test_an_outage_does_not_use_up_the_attempts_of_an_event(client, sandbox, purchase, monkeypatch):
    monkeypatch.setattr(sweeps, "MAX_EVENT_ATTEMPTS", 2)
    sandbox.pay(purchase)
    [event] = sandbox.events(purchase, "checkout.session.completed")
    sandbox.fail("refuse", status=503, count=3)
    deliver(client, event)
    ProviderEvent.objects.update(received_at=timezone.now() - timedelta(minutes=1))
    for _ in range(3):
        sandbox.fail("refuse", status=503, count=6)
        sweeps.sweep()
    stored = ProviderEvent.objects.get()
    assert (stored.state, stored.attempts) == (ProviderEvent.State.FAILED, 0)
    assert stored.error.startswith("Unavailable")

    sweeps.sweep()
    assert ProviderEvent.objects.get().state == ProviderEvent.State.DONE


# --- Events -----------------------------------------------------------------------------------------


def test_an_event_that_always_fails_is_left_to_an_operator_and_delays_no_other(sandbox, monkeypatch):
    monkeypatch.setattr(sweeps, "MAX_EVENT_ATTEMPTS", 3)
    tried: list[str] = []

    def fail(method_id: str):
        tried.append(method_id)
        raise RuntimeError

    monkeypatch.setattr(cards, "refresh", fail)
    received_at = timezone.now() - timedelta(minutes=1)
    for name in ("one", "two"):
        ProviderEvent.objects.create(
            provider="stripe", event_id=name, object_id=name, type="payment_method.updated", received_at=received_at
        )
    for _ in range(5):
        sweeps.sweep()
    assert tried == ["one", "two"] * 3


def test_old_events_are_deleted_unless_they_failed(db):
    long_ago = timezone.now() - timedelta(days=91)
    for number, state in enumerate(ProviderEvent.State.values):
        for received_at in (long_ago, timezone.now()):
            ProviderEvent.objects.create(
                provider="stripe", event_id=f"{number} {received_at}", type="x", state=state, received_at=received_at
            )

    assert sweeps.delete_old_events() == 2
    assert set(ProviderEvent.objects.filter(received_at=long_ago).values_list("state", flat=True)) == {"new", "failed"}


# --- Tasks ------------------------------------------------------------------------------------------


def test_every_periodic_task_is_scheduled():
    scheduled = {entry["task"] for entry in site_settings.CELERY_BEAT_SCHEDULE.values()}
    periodic = (
        tasks.sweep_purchases,
        tasks.charge_auto_top_ups,
        tasks.alert_low_balances,
        tasks.deliver_notices,
        tasks.recover_missed_payments,
        tasks.expire_credits,
        tasks.reconcile_ledger,
    )
    names = {task.name for task in periodic}
    assert names <= scheduled
    assert names <= set(app.tasks)


def test_the_tasks_do_their_work(sandbox, purchase, empty_account):
    sandbox.pay(purchase)
    tasks.sweep_purchases()
    tasks.recover_missed_payments()
    tasks.reconcile_ledger()
    assert credits_of(empty_account) == 1000
