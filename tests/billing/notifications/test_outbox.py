"""Mails on their way: written down with what they tell about, sent once, tried again, given up in the end."""

from datetime import timedelta
from uuid import uuid4

import pytest
from celery import current_app
from django.core import mail
from django.core.mail.backends.locmem import EmailBackend
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import Membership, User
from billing import tasks
from billing.models import Notice, Purchase
from billing.notifications import outbox
from billing.notifications.outbox import wake_worker  # the real one: these tests put another in its place
from billing.payments import auto_top_up_charges, refunds, sweeps
from tests.billing.at_once import all_at_once
from tests.billing.auto_top_ups import age_charges, save_card, spend_everything, turn_on


@pytest.fixture
def lost(monkeypatch) -> None:
    """Every worker dies before it has done anything."""
    monkeypatch.setattr(outbox, "wake_worker", lambda notice: None)


@pytest.fixture
def notice(account, lost) -> Notice:
    """A mail to alice whose worker was lost."""
    outbox.enqueue(account, "About money", "You have some.")
    return Notice.objects.get()


@pytest.fixture
def away(monkeypatch):
    """The mail server does not answer; how often it was asked."""
    asked: list[object] = []

    def refuse(backend, mails):
        asked.extend(mails)
        raise ConnectionRefusedError("no answer")

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    return asked


# --- Writing down -----------------------------------------------------------------------------------


def test_the_worker_is_asked_when_it_is_committed(account, monkeypatch, django_capture_on_commit_callbacks):
    asked: list[tuple] = []
    monkeypatch.setattr(current_app, "send_task", lambda *task, **how: asked.append(task))
    monkeypatch.setattr(outbox, "wake_worker", wake_worker)
    with django_capture_on_commit_callbacks(execute=True):
        outbox.enqueue(account, "About money", "You have some.")
        assert asked == []
    assert asked == [(tasks.deliver_notice.name, [str(Notice.objects.get().pk)])]

    tasks.deliver_notice(str(Notice.objects.get().pk))
    assert [each.to for each in mail.outbox] == [["alice@example.com"]]
    assert not Notice.objects.exists()


def test_without_a_broker_the_clock_delivers_it(notice, monkeypatch):
    def away(*_, **__):
        raise ConnectionError

    monkeypatch.setattr(current_app, "send_task", away)
    wake_worker(notice.pk)
    assert mail.outbox == []
    tasks.deliver_notices()
    assert len(mail.outbox) == 1


def test_what_is_rolled_back_is_not_told(account):
    with pytest.raises(RuntimeError), transaction.atomic():
        outbox.enqueue(account, "About money", "You have some.")
        raise RuntimeError
    tasks.deliver_notices()
    assert mail.outbox == []


def test_the_address_is_the_one_of_the_moment_of_sending(notice, alice):
    User.objects.filter(pk=alice.pk).update(email="alice@elsewhere.example")
    tasks.deliver_notices()
    assert mail.outbox[0].to == ["alice@elsewhere.example"]


@pytest.mark.parametrize(
    "change",
    [
        lambda user: Membership.objects.update(role=Membership.Role.MEMBER),
        lambda user: Membership.objects.all().delete(),
        lambda user: User.objects.update(is_active=False),
    ],
    ids=["a member", "nobody there", "inactive"],
)
def test_who_is_no_admin_any_more_is_told_nothing(notice, alice, change):
    change(alice)
    tasks.deliver_notices()
    assert mail.outbox == []
    assert not Notice.objects.exists()


# --- A mail server that is away ---------------------------------------------------------------------


def test_a_mail_that_is_not_taken_is_tried_again_and_arrives_once(notice, away, monkeypatch):
    tasks.deliver_notices()
    tasks.deliver_notices()
    assert len(away) == 1
    notice.refresh_from_db()
    assert (notice.tries, notice.error) == (1, "ConnectionRefusedError: no answer")
    assert timedelta(minutes=4) < notice.due_at - timezone.now() < timedelta(minutes=5)

    monkeypatch.undo()
    Notice.objects.update(due_at=timezone.now())
    for _ in range(2):
        tasks.deliver_notices()
    assert [each.subject for each in mail.outbox] == ["About money"]
    assert mail.outbox[0].extra_headers["Message-ID"].startswith(f"<{notice.pk}@")  # the same each time


def test_it_is_given_up_in_the_end_and_a_person_can_send_it(notice, away, monkeypatch, client):
    for _ in range(len(outbox.RETRY_DELAYS) + 3):
        Notice.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
        tasks.deliver_notices()
    assert len(away) == len(outbox.RETRY_DELAYS) == 6
    notice.refresh_from_db()
    assert notice.due_at is None

    monkeypatch.undo()
    client.force_login(User.objects.create_superuser("operator@example.com", "correct horse battery"))
    page = reverse("admin:billing_notice_changelist")
    answer = client.post(page, {"action": "send_now", "_selected_action": [str(notice.pk)]}, follow=True)
    assert "Emails sent: 1." in answer.content.decode()
    assert len(mail.outbox) == 1


def test_one_that_was_given_up_is_forgotten_in_the_end(notice):
    Notice.objects.update(created_at=timezone.now() - timedelta(days=91))
    assert outbox.delete_undeliverable() == 0
    Notice.objects.update(due_at=None)
    assert outbox.delete_undeliverable() == 1


def test_in_an_outage_one_mail_waits_for_the_time_out_and_the_others_for_the_next_minute(account, lost, away):
    for number in range(3):
        outbox.enqueue(account, f"News {number}", "")
    tasks.deliver_notices()
    assert len(away) == 1
    tasks.deliver_notices()
    assert len(away) == 2


def test_a_mail_that_is_gone_is_no_failure(db):
    assert outbox.deliver(uuid4())


@pytest.mark.django_db(transaction=True)
def test_many_who_deliver_it_at_once_send_one(notice):
    assert all_at_once(*[lambda: outbox.deliver(notice.pk)] * 8) == [True] * 8
    assert len(mail.outbox) == 1


# --- Noted, then sent: both or neither --------------------------------------------------------------


@pytest.fixture
def broken(monkeypatch) -> None:
    """Whatever writes a mail down dies while doing so."""

    def die(*_):
        raise SystemExit

    monkeypatch.setattr(outbox, "enqueue", die)


def test_an_attempt_of_auto_top_up_is_told_by_the_clock_when_its_process_died_before(
    sandbox, empty_account, alice, monkeypatch, broken, django_capture_on_commit_callbacks
):
    turn_on(empty_account, alice, save_card(sandbox, empty_account, alice))
    spend_everything(empty_account)
    with pytest.raises(SystemExit):
        auto_top_up_charges.charge_if_low(empty_account.pk)
    attempt = Purchase.objects.get(source="auto_top_up")
    assert (attempt.state, attempt.notified_at) == (Purchase.State.CREDITED, None)
    monkeypatch.undo()

    with django_capture_on_commit_callbacks(execute=True):
        sweeps.sweep()  # too young: its process may still be at work
        assert not Notice.objects.exists()
        age_charges(1)
        sweeps.sweep()
        sweeps.sweep()
    tasks.deliver_notices()
    assert [each.subject for each in mail.outbox] == ["Auto top-up added $10.00 in credits"]


def test_a_failed_refund_is_told_with_its_credits(sandbox, bought, alice, monkeypatch, broken):
    refund = refunds.request(bought, alice, cents=1000)
    sandbox.post(f"/_test/refunds/{refund.provider_refund}/fail")
    with pytest.raises(SystemExit):
        refunds.sync(bought)
    refund.refresh_from_db()
    assert refund.state == "succeeded"
    monkeypatch.undo()

    refunds.sync(bought)
    tasks.deliver_notices()
    assert [each.subject for each in mail.outbox] == ["Your refund of $10.00 failed"]
