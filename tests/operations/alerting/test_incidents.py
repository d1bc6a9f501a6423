"""Operators hear of a fault once, and once when it is over."""

import re
from datetime import timedelta

import pytest
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection
from django.utils import timezone

from billing.models import CreditAccount, ProviderEvent, Purchase
from billing.tasks import reconcile_ledger
from gateway.models import EndpointMinute
from operations import tasks
from operations.alerting import incidents, watching
from operations.models import Heartbeat, Incident
from tests.billing.at_once import all_at_once
from tests.operations.alerting.noticing import look, subjects
from tests.operations.heartbeats import beat_hearts

pytestmark = pytest.mark.django_db


def minute(provider: str, *, ok: int = 0, errors: int = 0, tag: str = "", process: str = "p") -> None:
    EndpointMinute.objects.create(
        process_id=process, model=f"m/{EndpointMinute.objects.count()}", tag=tag or provider,
        minute=timezone.now().replace(second=0, microsecond=0), ok=ok, errors=errors,
    )  # fmt: skip


def purchase(account: CreditAccount, ago: timedelta, provider: str = "stripe") -> None:
    Purchase.objects.create(
        account=account, provider=provider, credit_cents=1000, fee_cents=80, fee_basis_points=550,
        state=Purchase.State.CREDITED, credited_at=timezone.now() - ago,
    )  # fmt: skip


def event(ago: timedelta = timedelta(0), provider: str = "stripe") -> None:
    number = str(ProviderEvent.objects.count())
    ProviderEvent.objects.create(
        provider=provider, event_id=number, type="x", object_id=number, received_at=timezone.now() - ago
    )


# --- Emails


def test_each_operator_gets_one_email_and_one_all_clear(clock):
    for _ in range(3):
        incidents.report("provider", {"openai": "All 9 attempts failed."})
        incidents.deliver()
    assert [message.to for message in mail.outbox] == [["ops@example.com"], ["boss@example.com"]]
    message = mail.outbox[0]
    assert "All 9 attempts failed." in message.body and "Check its status page" in message.body
    assert message.alternatives and "incident-" in message.extra_headers["Message-ID"]
    assert subjects() == ["Provider openai is down"]

    clock.advance(minutes=10)
    incidents.report("provider", {"anthropic": None})  # another one
    for _ in range(3):
        incidents.report("provider", {"openai": None})
        incidents.deliver()
    assert subjects() == ["Resolved: Provider openai is down"]

    incidents.report("provider", {"openai": "Again."})
    incidents.deliver()
    assert subjects() == ["Provider openai is down"]


def test_an_email_that_the_server_refuses_is_tried_again_later(monkeypatch, clock):
    def refuse(backend, mails):
        raise ConnectionRefusedError("no response")

    with monkeypatch.context() as patch:
        patch.setattr(EmailBackend, "send_messages", refuse)
        incidents.report("worker", {"": "Silent."})
        incidents.deliver()
    incidents.deliver()
    assert subjects() == []  # not yet
    incidents.report("worker", {"": None})
    clock.advance(minutes=1, seconds=1)
    incidents.deliver()
    assert subjects() == ["The worker is silent", "Resolved: The worker is silent"]


def test_without_operators_the_log_tells(settings, caplog):
    settings.OPERATOR_EMAILS = []
    incidents.report("worker", {"": "Silent."})
    incidents.deliver()
    assert mail.outbox == [] and "incident: The worker is silent" in caplog.text


@pytest.mark.django_db(transaction=True)
@pytest.mark.postgresql
@pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")
def test_processes_that_notice_at_the_same_time_send_one_email():
    def notice() -> None:
        incidents.report("worker", {"": "Silent."})
        incidents.deliver()

    all_at_once(*[notice] * 6)
    assert subjects() == ["The worker is silent"]
    assert Incident.objects.count() == 1


# --- Faults


def test_a_ledger_that_does_not_add_up_and_does_again(account):
    CreditAccount.objects.filter(pk=account.pk).update(held=5)
    reconcile_ledger()
    incidents.deliver()
    assert f"account {account.pk}: held is $0.000000000005" in mail.outbox[0].body
    assert subjects() == ["The ledger does not add up"]
    tasks.recheck_ledger()
    incidents.deliver()
    assert subjects() == []
    CreditAccount.objects.filter(pk=account.pk).update(held=0)
    tasks.recheck_ledger()
    incidents.deliver()
    assert subjects() == ["Resolved: The ledger does not add up"]


@pytest.mark.parametrize(
    ("purchased", "heard", "told"),
    [
        (timedelta(hours=5), None, True),
        (timedelta(hours=5), timedelta(hours=25), True),
        (timedelta(hours=5), timedelta(hours=23), False),
        (timedelta(minutes=30), None, False),  # its webhook may be on the way
        (timedelta(hours=25), None, False),
        (None, None, False),  # nothing was bought: silence is right
    ],
)
def test_purchases_without_webhooks(account, purchased, heard, told):
    if purchased:
        purchase(account, purchased)
    if heard is not None:
        event(heard)
    event(provider="coinbase")  # another provider's
    tasks.watch()
    assert subjects() == (["No webhooks from stripe for a day"] if told else [])
    event()
    tasks.watch()
    assert subjects() == (["Resolved: No webhooks from stripe for a day"] if told else [])


def test_a_provider_of_which_every_endpoint_fails():
    minute("openai", errors=3)
    minute("openai", errors=2, tag="openai/fast")
    minute("azure", errors=9)
    minute("azure", ok=1, tag="azure/eu")
    minute("quiet", errors=4)
    tasks.watch()
    assert subjects() == ["Provider openai is down"]
    minute("openai", ok=1, process="q")  # not yet convincing
    tasks.watch()
    assert subjects() == []
    minute("openai", ok=9, process="r")
    tasks.watch()
    assert subjects() == ["Resolved: Provider openai is down"]


def test_silent_workers_are_noticed_by_the_web_process_as_one_fault(clock, transactional_db):
    beat_hearts()
    watch = watching.Watch()
    clock.advance(minutes=4)
    look(watch, clock)
    assert subjects() == []
    clock.advance(minutes=2)
    look(watch, clock)
    assert subjects() == ["The worker is silent"]
    beat_hearts()
    tasks.watch()
    assert subjects() == ["Resolved: The worker is silent"]


def test_a_queue_that_lost_its_worker_is_named_with_the_command_that_starts_one(clock, transactional_db):
    beat_hearts()
    watch = watching.Watch()
    for _ in range(4):
        clock.advance(minutes=1)
        beat_hearts("mail")
        look(watch, clock)
    assert subjects() == []
    clock.advance(minutes=1)
    beat_hearts("mail")
    look(watch, clock)
    assert "celery -A openrouter_site worker -Q mail\n" in mail.outbox[0].body
    assert subjects() == ["No worker takes the queue mail"]
    clock.advance(minutes=10)  # the others fall silent too
    look(watch, clock)
    assert subjects() == ["The worker is silent"]
    beat_hearts()
    tasks.watch()
    assert subjects() == ["Resolved: The worker is silent"]
    clock.advance(minutes=1)
    tasks.watch()
    assert subjects() == ["Resolved: No worker takes the queue mail"]


def test_queues_of_one_dead_worker_are_one_email_and_one_all_clear(clock, transactional_db, settings):
    """Their last heartbeats are half a minute apart, so the web process sees one of them cross the limit first."""
    settings.REPOSITORY_URL = "https://git.example/gateway"
    beat_hearts()
    watch = watching.Watch()
    clock.advance(seconds=30)
    beat_hearts("mail", "usage")
    clock.advance(seconds=30)
    beat_hearts("mail", "usage", "money")
    clock.advance(minutes=4)
    beat_hearts("mail", "usage", "money")  # mail and usage are silent for five minutes, money for four and a half
    look(watch, clock)
    body = mail.outbox[0].body
    assert re.findall(r"^- (\w+), since .* UTC\. Last heartbeat: on", body, re.M) == ["mail", "money", "usage"]
    assert "    celery -A openrouter_site worker -Q mail,money,usage\n" in body
    page = "https://git.example/gateway/blob/main/docs/operations/incidents.md"
    assert f"Steps: {page}#no-worker-takes-the-queue-\n" in body
    assert subjects() == ["No worker takes the queues mail, money, usage"]

    for _ in range(5):
        clock.advance(minutes=1)
        beat_hearts("mail", "usage", "money", "broadcast")
        look(watch, clock)
    body = mail.outbox[0].body
    assert subjects() == ["No worker takes the queues broadcast, mail, money, usage"]
    assert "-Q broadcast,mail,money,usage\n" in body

    beat_hearts("broadcast", "money")  # the worker has just started, and a look comes between its first tasks
    tasks.watch()
    clock.advance(seconds=30)
    beat_hearts("broadcast")
    tasks.watch()
    assert subjects() == []
    clock.advance(seconds=30)
    tasks.watch()
    assert "No worker takes the queue broadcast: not over yet." in mail.outbox[0].body
    assert subjects() == ["Resolved: No worker takes the queues mail, money, usage"]
    beat_hearts()
    for _ in range(3):
        tasks.watch()
        clock.advance(minutes=1)
    assert subjects() == ["Resolved: No worker takes the queue broadcast"]


def test_a_short_silence_beside_one_that_is_known_is_no_news(clock, transactional_db):
    beat_hearts()
    watch = watching.Watch()
    clock.advance(minutes=5)
    beat_hearts("mail")
    look(watch, clock)
    assert subjects() == ["No worker takes the queue mail"]
    clock.advance(minutes=3)
    beat_hearts("mail", "usage")
    look(watch, clock)
    assert subjects() == []


def test_an_email_about_several_queues_that_the_server_refuses_is_tried_again_as_one(monkeypatch, clock):
    def refuse(backend, mails):
        raise ConnectionRefusedError("no response")

    with monkeypatch.context() as patch:
        patch.setattr(EmailBackend, "send_messages", refuse)
        incidents.report("queue", {"usage": "Silent.", "mail": "Silent."})
        incidents.deliver()
    clock.advance(seconds=30)
    incidents.report("queue", {"money": "Silent."})
    incidents.deliver()
    assert subjects() == ["No worker takes the queues mail, money, usage"]
    clock.advance(seconds=31)
    incidents.deliver()
    clock.advance(hours=2)
    incidents.deliver()
    assert subjects() == []


def test_a_new_queue_that_no_worker_ever_took_is_noticed_until_it_is_removed(settings, clock, transactional_db):
    settings.QUEUES = (*settings.QUEUES, "new")
    watch = watching.Watch()
    for _ in range(4):
        clock.advance(minutes=1)
        beat_hearts("new")
        look(watch, clock)
    assert subjects() == []
    clock.advance(minutes=1)
    beat_hearts("new")
    look(watch, clock)
    assert subjects() == ["No worker takes the queue new"]
    settings.QUEUES = settings.QUEUES[:-1]
    for _ in range(2):
        clock.advance(minutes=1)
        look(watch, clock)
    assert subjects() == ["Resolved: No worker takes the queue new"]


def test_a_site_that_was_stopped_for_a_day_is_not_silent_when_it_starts(clock, transactional_db):
    beat_hearts()
    clock.advance(days=1)
    watch = watching.Watch()
    tasks.beat_heart("celery")
    tasks.watch()  # before the heartbeats of the other queues
    clock.advance(minutes=1)
    look(watch, clock)
    assert subjects() == []


def test_workers_that_are_seen_for_the_first_time_are_no_news():
    beat_hearts()
    tasks.watch()
    assert subjects() == [] and Heartbeat.objects.count() == 6
