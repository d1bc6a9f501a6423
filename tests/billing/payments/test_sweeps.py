"""The clock's part: credits appear even when no webhook ever arrives."""

from datetime import timedelta

import pytest
from django.conf import settings as site_settings
from django.utils import timezone

from billing import tasks
from billing.models import ProviderEvent, Purchase
from billing.payments import cards, purchases, sweeps
from tests.billing.conftest import buy, credits_of, deliver

State = Purchase.State


def test_a_paid_purchase_is_credited_although_every_webhook_is_lost(sandbox, purchase, empty_account):
    sandbox.pay(purchase)

    assert sweeps.sweep() == 1
    assert credits_of(empty_account) == 1000
    assert sweeps.sweep() == 0  # nothing left to ask about


def test_an_abandoned_page_expires(sandbox, purchase):
    sandbox.expire(purchase)

    sweeps.sweep()
    assert Purchase.objects.get().state == State.EXPIRED


def test_the_longest_waiting_are_asked_about_first(sandbox, empty_account, alice, monkeypatch):
    monkeypatch.setattr(sweeps, "BATCH_SIZE", 2)
    bought = [buy(empty_account, alice) for _ in range(3)]
    now = timezone.now()
    for purchase, minutes in zip(bought, (1, 9, 5), strict=True):
        Purchase.objects.filter(pk=purchase.pk).update(synced_at=now - timedelta(minutes=minutes))
        sandbox.pay(purchase)

    sweeps.sweep()

    assert [Purchase.objects.get(pk=each.pk).state for each in bought] == [State.OPEN, State.CREDITED, State.CREDITED]


def test_a_purchase_that_never_got_its_page_ends(sandbox, purchase):
    Purchase.objects.update(state=State.CREATED, provider_session=None)
    sweeps.sweep()
    assert Purchase.objects.get().state == State.CREATED

    Purchase.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    sweeps.sweep()
    assert Purchase.objects.get().state == State.EXPIRED


def test_a_page_that_the_provider_has_forgotten_ends_when_its_time_is_over(sandbox, purchase):
    Purchase.objects.update(provider_session="cs_of_an_emptied_sandbox")
    sweeps.sweep()
    assert Purchase.objects.get().state == State.OPEN

    Purchase.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    sweeps.sweep()
    assert Purchase.objects.get().state == State.EXPIRED


def test_an_outage_ends_the_sweep_and_the_next_one_finishes(sandbox, empty_account, alice):
    for _ in range(2):
        sandbox.pay(buy(empty_account, alice))
    sandbox.fail("refuse", status=503, count=3)

    assert sweeps.sweep() == 0
    assert sweeps.sweep() == 2
    assert credits_of(empty_account) == 2000


def test_failed_events_are_tried_again(client, sandbox, purchase, empty_account):
    sandbox.pay(purchase)
    told = sandbox.events(purchase, "checkout.session.completed")[0]
    sandbox.fail("refuse", status=503, count=3)
    assert deliver(client, told).status_code == 500

    sweeps.sweep()  # too young: the request that brought it may still be at work
    assert ProviderEvent.objects.get().state == ProviderEvent.State.FAILED

    ProviderEvent.objects.update(received_at=timezone.now() - timedelta(minutes=1))
    sweeps.sweep()
    assert ProviderEvent.objects.get().state == ProviderEvent.State.DONE
    assert credits_of(empty_account) == 1000


def test_in_an_outage_one_event_waits_for_the_time_out_and_the_others_for_the_next_sweep(
    client, sandbox, crypto, usdc_purchase, empty_account, alice
):
    for _ in range(4):
        bought = buy(empty_account, alice)
        sandbox.pay(bought)
        told = sandbox.events(bought, "checkout.session.completed")[0]
        sandbox.fail("refuse", status=503, count=3)
        assert deliver(client, told).status_code == 500
    crypto.pay(usdc_purchase)
    crypto.control("clock", seconds=3)
    letter = crypto.about(usdc_purchase, "checkout.payment.success")[-1]
    crypto.fail("refuse", status=503, count=3)
    assert letter.deliver(client).status_code == 500
    ProviderEvent.objects.update(received_at=timezone.now() - timedelta(minutes=1))

    sandbox.fail("refuse", status=503, count=99)
    sweeps.sweep()

    asked = 99 - sandbox._get("/_test/")["requests"][0]["count"]
    assert asked == 6  # the first event and the first purchase, three times each
    states = dict(ProviderEvent.objects.order_by("tried_at").values_list("provider", "state"))
    assert states == {"stripe": ProviderEvent.State.FAILED, "coinbase": ProviderEvent.State.DONE}
    sandbox._post("/_test/reset")


def test_an_outage_never_uses_up_an_events_attempts(client, sandbox, purchase, empty_account, monkeypatch):
    monkeypatch.setattr(sweeps, "MAX_EVENT_ATTEMPTS", 2)
    sandbox.pay(purchase)
    told = sandbox.events(purchase, "checkout.session.completed")[0]
    sandbox.fail("refuse", status=503, count=3)
    deliver(client, told)
    ProviderEvent.objects.update(received_at=timezone.now() - timedelta(minutes=1))
    for _ in range(3):
        sandbox.fail("refuse", status=503, count=6)
        sweeps.sweep()
    event = ProviderEvent.objects.get()
    assert (event.state, event.attempts) == (ProviderEvent.State.FAILED, 0)
    assert event.error.startswith("Unavailable")

    sweeps.sweep()
    assert ProviderEvent.objects.get().state == ProviderEvent.State.DONE


def test_an_event_that_always_fails_is_left_to_a_person_and_holds_up_no_other(db, monkeypatch):
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


@pytest.mark.parametrize("state", [State.EXPIRED, State.CANCELED, State.FAILED])
def test_a_payment_that_we_gave_up_on_is_found_in_the_providers_list(sandbox, purchase, empty_account, state):
    sandbox.pay(purchase)
    Purchase.objects.update(state=state)
    assert sweeps.sweep() == 0  # it is not waiting any more

    assert sweeps.recover_missed_payments() == 1
    assert credits_of(empty_account) == 1000
    assert sweeps.recover_missed_payments() == 0


def test_payments_that_are_not_ours_are_left_alone(sandbox, purchase, empty_account):
    sandbox.pay(purchase)
    Purchase.objects.all().delete()

    assert sweeps.recover_missed_payments() == 0
    assert credits_of(empty_account) == 0


def test_old_events_are_forgotten_but_failed_ones_wait_for_a_person(db):
    long_ago = timezone.now() - timedelta(days=91)
    for number, state in enumerate(ProviderEvent.State.values):
        for received_at in (long_ago, timezone.now()):
            ProviderEvent.objects.create(
                provider="stripe", event_id=f"{number} {received_at}", type="x", state=state, received_at=received_at
            )

    assert sweeps.delete_old_events() == 2
    assert set(ProviderEvent.objects.filter(received_at=long_ago).values_list("state", flat=True)) == {"new", "failed"}


def test_the_clock_knows_every_task():
    from openrouter_site.celery import app

    scheduled = {entry["task"] for entry in site_settings.CELERY_BEAT_SCHEDULE.values()}
    ours = {
        task.name
        for task in (
            tasks.sweep_purchases,
            tasks.deliver_notices,
            tasks.recover_missed_payments,
            tasks.reconcile_ledger,
        )
    }
    assert ours <= scheduled
    assert ours <= set(app.tasks)


def test_the_tasks_do_the_work(sandbox, purchase, empty_account):
    sandbox.pay(purchase)
    tasks.sweep_purchases()
    tasks.recover_missed_payments()
    tasks.reconcile_ledger()
    assert credits_of(empty_account) == 1000


def test_an_account_without_purchases_costs_the_sweep_nothing(db):
    """Without anything waiting, the provider is not asked at all."""
    assert sweeps.sweep() == 0


def test_a_credited_purchase_is_never_asked_about_again(sandbox, purchase):
    sandbox.pay(purchase)
    purchase = purchases.sync(purchase)
    sandbox.fail("refuse", status=500, count=1)

    sweeps.sweep()
    purchases.sync(purchase)
    assert sandbox._get("/_test/")["requests"][0]["count"] == 1
