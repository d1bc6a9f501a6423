"""The outbox: stored with what they report, emails are sent once, retried and finally given up."""

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
from billing.notifications.outbox import wake_worker  # the original, because fixtures replace it
from billing.payments import auto_top_up_charges, refunds, sweeps
from tests.billing.at_once import all_at_once
from tests.billing.auto_top_ups import age_charges, save_card, spend_everything, turn_on


@pytest.fixture
def without_worker(monkeypatch) -> None:
    """No worker delivers anything."""
    monkeypatch.setattr(outbox, "wake_worker", lambda notice: None)


@pytest.fixture
def notice(account, without_worker) -> Notice:
    """An email to Alice that no worker has delivered."""
    outbox.enqueue(account, lambda _: ("About money", "You have some."))
    return Notice.objects.get()


@pytest.fixture
def unreachable_server(monkeypatch):
    """A mail server that refuses connections. Returns the emails it refused."""
    refused: list[object] = []

    def refuse(backend, mails):
        refused.extend(mails)
        raise ConnectionRefusedError("no response")

    monkeypatch.setattr(EmailBackend, "send_messages", refuse)
    return refused


# --- Enqueueing -------------------------------------------------------------------------------------


def test_a_worker_is_asked_after_the_commit(account, monkeypatch, django_capture_on_commit_callbacks):
    sent: list[tuple] = []
    monkeypatch.setattr(current_app, "send_task", lambda *task, **how: sent.append(task))
    monkeypatch.setattr(outbox, "wake_worker", wake_worker)
    with django_capture_on_commit_callbacks(execute=True):
        outbox.enqueue(account, lambda _: ("About money", "You have some."))
        assert sent == []
    assert sent == [(tasks.deliver_notice.name, [str(Notice.objects.get().pk)])]

    tasks.deliver_notice(str(Notice.objects.get().pk))
    assert [each.to for each in mail.outbox] == [["alice@example.com"]]
    assert not Notice.objects.exists()


def test_without_a_broker_the_periodic_task_delivers_it(notice, monkeypatch):
    def fail(*_, **__):
        raise ConnectionError

    monkeypatch.setattr(current_app, "send_task", fail)
    wake_worker(notice.pk)
    assert mail.outbox == []
    tasks.deliver_notices()
    assert len(mail.outbox) == 1


def test_a_rollback_sends_nothing(account):
    with pytest.raises(RuntimeError), transaction.atomic():
        outbox.enqueue(account, lambda _: ("About money", "You have some."))
        raise RuntimeError
    tasks.deliver_notices()
    assert mail.outbox == []


def test_the_address_is_read_when_sending(notice, alice):
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
    ids=["member", "removed", "inactive"],
)
def test_former_admins_get_no_email(notice, alice, change):
    change(alice)
    tasks.deliver_notices()
    assert mail.outbox == []
    assert not Notice.objects.exists()


# --- An unreachable mail server -----------------------------------------------------------------------------------


def test_a_refused_email_is_retried_and_arrives_once(notice, unreachable_server, monkeypatch):
    tasks.deliver_notices()
    tasks.deliver_notices()
    assert len(unreachable_server) == 1
    notice.refresh_from_db()
    assert (notice.tries, notice.error) == (1, "ConnectionRefusedError: no response")
    assert timedelta(minutes=4) < notice.due_at - timezone.now() < timedelta(minutes=5)

    monkeypatch.undo()
    Notice.objects.update(due_at=timezone.now())
    for _ in range(2):
        tasks.deliver_notices()
    assert [each.subject for each in mail.outbox] == ["About money"]
    assert mail.outbox[0].extra_headers["Message-ID"].startswith(f"<{notice.pk}@")  # the same for every try


def test_after_the_last_try_an_operator_can_send_it(notice, unreachable_server, monkeypatch, client):
    for _ in range(len(outbox.RETRY_DELAYS) + 3):
        Notice.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
        tasks.deliver_notices()
    assert len(unreachable_server) == len(outbox.RETRY_DELAYS) == 6
    notice.refresh_from_db()
    assert notice.due_at is None

    monkeypatch.undo()
    client.force_login(User.objects.create_superuser("operator@example.com", "correct horse battery"))
    page = reverse("admin:billing_notice_changelist")
    response = client.post(page, {"action": "send_now", "_selected_action": [str(notice.pk)]}, follow=True)
    assert "Emails sent: 1." in response.content.decode()
    assert len(mail.outbox) == 1


def test_an_undeliverable_notice_is_deleted_after_90_days(notice):
    Notice.objects.update(created_at=timezone.now() - timedelta(days=91))
    assert outbox.delete_undeliverable() == 0
    Notice.objects.update(due_at=None)
    assert outbox.delete_undeliverable() == 1


def test_in_an_outage_each_run_tries_one_email(account, without_worker, unreachable_server):
    for number in range(3):
        outbox.enqueue(account, lambda _, number=number: (f"News {number}", ""))
    tasks.deliver_notices()
    assert len(unreachable_server) == 1
    tasks.deliver_notices()
    assert len(unreachable_server) == 2


def test_delivering_a_deleted_notice_succeeds(db):
    assert outbox.deliver(uuid4())


@pytest.mark.django_db(transaction=True)
def test_concurrent_deliveries_send_one_email(notice):
    assert all_at_once(*[lambda: outbox.deliver(notice.pk)] * 8) == [True] * 8
    assert len(mail.outbox) == 1


# --- Crashes -----------------------------------------------------------------------------------------


@pytest.fixture
def crashing_outbox(monkeypatch) -> None:
    """The process dies when it stores an email."""

    def die(*_, **__):
        raise SystemExit

    monkeypatch.setattr(outbox, "enqueue", die)


def test_a_crash_after_an_auto_top_up_delays_its_email_but_does_not_lose_it(
    sandbox, empty_account, alice, monkeypatch, crashing_outbox, django_capture_on_commit_callbacks
):
    turn_on(empty_account, alice, save_card(sandbox, empty_account, alice))
    spend_everything(empty_account)
    with pytest.raises(SystemExit):
        auto_top_up_charges.charge_if_low(empty_account.pk)
    charge = Purchase.objects.get(source="auto_top_up")
    assert (charge.state, charge.notified_at) == (Purchase.State.CREDITED, None)
    monkeypatch.undo()

    with django_capture_on_commit_callbacks(execute=True):
        sweeps.sweep()  # too recent: its process may still be running
        assert not Notice.objects.exists()
        age_charges(1)
        sweeps.sweep()
        sweeps.sweep()
    tasks.deliver_notices()
    assert [each.subject for each in mail.outbox] == ["Auto top-up added $10.00 in credits"]


def test_a_crash_during_a_failed_refund_restores_credits_and_email_together(
    sandbox, bought, alice, monkeypatch, crashing_outbox
):
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
