"""Summaries by email: at the right time, once, about the right days, to those who chose them."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.core import mail, signing

from accounts.models import Membership
from activity.reports import summaries as writing
from activity.tasks import write_summaries
from billing import tasks as billing_tasks
from billing.models import EmailChoice, Notice
from billing.notifications import choices, outbox, unsubscribing
from common.money import PICO_PER_USD
from common.telemetry.jobs import JobFailed
from tests.activity.factory import make_request, make_requests
from tests.billing.at_once import all_at_once

WEDNESDAY = datetime(2026, 11, 11, 12, tzinfo=UTC)
MONDAY_BEFORE, MONDAY = datetime(2026, 11, 9, tzinfo=UTC), datetime(2026, 11, 16, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _prompt_worker(monkeypatch) -> None:
    """Emails are sent as soon as they are committed."""
    monkeypatch.setattr(outbox, "wake_worker", outbox.deliver)


@pytest.fixture
def at(clock):
    """Set the clock to a moment."""
    clock.set(WEDNESDAY)
    return clock.set


def chosen(user, account, **kinds: bool) -> EmailChoice:
    choices.choose(user, account, kinds, WEDNESDAY)
    return EmailChoice.objects.get(user=user, account=account, kind=next(iter(kinds)))


@pytest.fixture
def commits(django_capture_on_commit_callbacks):
    """Run the clock's task, and the worker after its commit."""

    def run() -> list:
        before = len(mail.outbox)
        with django_capture_on_commit_callbacks(execute=True):
            write_summaries()
        return mail.outbox[before:]

    return run


def test_a_week_is_summed_up_after_its_sunday_and_once(alice, account, key, at, commits):
    chosen(alice, account, weekly=True)
    make_request(account, MONDAY_BEFORE - timedelta(hours=1), cost=2 * PICO_PER_USD)
    make_request(account, MONDAY_BEFORE, key=key, cost=1 * PICO_PER_USD)
    make_request(account, MONDAY - timedelta(seconds=1), model="acme/beta", cost=3 * PICO_PER_USD)
    make_request(account, MONDAY, cost=5 * PICO_PER_USD)
    at(MONDAY + timedelta(hours=5))
    assert commits() == []
    at(MONDAY + timedelta(hours=6))
    (email,) = commits()
    assert email.to == ["alice@example.com"]
    assert email.subject == "Weekly summary of alice: $4.00 spent"
    assert "from 9 Nov 2026 to 15 Nov 2026 (UTC)" in email.body
    assert "Spend: $4.00 ($2.00 the week before, +100%)" in email.body
    assert "- acme/beta: $3.00, 1 request\n- openai/gpt-4o-mini: $1.00, 1 request\n" in email.body
    assert "- Chat: $3.00, 1 request\n- Laptop: $1.00, 1 request\n" in email.body
    assert "Balance when this email was written: $0.00" in email.body
    assert "acme/beta" in email.alternatives[0][0]
    assert commits() == []
    at(MONDAY + timedelta(days=6))
    assert commits() == []


def test_weeks_and_dates_are_the_persons_own(alice, account, at, commits):
    alice.time_zone, alice.date_format = "America/Los_Angeles", "iso"
    alice.save()
    chosen(alice, account, weekly=True)
    midnight = MONDAY + timedelta(hours=8)
    make_request(account, MONDAY_BEFORE + timedelta(hours=7), cost=PICO_PER_USD)
    make_request(account, midnight - timedelta(minutes=1), cost=2 * PICO_PER_USD)
    at(midnight + timedelta(hours=6, seconds=-1))
    assert commits() == []
    at(midnight + timedelta(hours=6))
    (email,) = commits()
    assert "spent $2.00 from 2026-11-09 to 2026-11-15 (America/Los_Angeles)" in email.body


def test_after_an_outage_only_the_last_period_is_written(alice, account, at, commits):
    chosen(alice, account, weekly=True, monthly=True)
    for month, day in ((11, 12), (12, 9), (12, 23), (12, 30)):
        make_request(account, datetime(2026, month, day, tzinfo=UTC), cost=PICO_PER_USD)
    at(datetime(2027, 1, 5, 12, tzinfo=UTC))
    assert sorted(email.body.partition(" from ")[2].partition(" (")[0] for email in commits()) == [
        "1 Dec 2026 to 31 Dec 2026",
        "28 Dec 2026 to 3 Jan 2027",
    ]


def test_nothing_is_sent_about_a_period_without_usage(alice, account, at, commits):
    summary = chosen(alice, account, weekly=True)
    make_request(account, MONDAY_BEFORE - timedelta(days=1))
    at(MONDAY + timedelta(days=1))
    assert commits() == []
    summary.refresh_from_db()
    assert summary.covered_until == MONDAY.date()


def test_only_active_members_who_chose_it_get_one(alice, bob, charlie, account, at, commits):
    for user in (alice, bob, charlie):
        chosen(user, account, weekly=True)
    make_request(account, MONDAY_BEFORE, cost=1)
    alice.is_active = False
    alice.save()
    at(MONDAY + timedelta(days=1))
    (email,) = commits()  # Charlie is no member
    assert email.to == ["bob@example.com"]
    Membership.objects.filter(user=bob).exclude(organisation__personal_of=bob).delete()
    make_request(account, MONDAY, cost=1)
    at(MONDAY + timedelta(days=8))
    assert commits() == []


def test_an_email_that_waits_is_dropped_when_its_member_unsubscribes(alice, account, at, monkeypatch):
    monkeypatch.setattr(outbox, "wake_worker", lambda notice: None)
    summary = chosen(alice, account, weekly=True)
    make_request(account, MONDAY_BEFORE, cost=1)
    at(MONDAY + timedelta(days=1))
    write_summaries()
    assert Notice.objects.count() == 1
    choices.turn_off(summary)
    billing_tasks.deliver_notices()
    assert (mail.outbox, Notice.objects.count()) == ([], 0)


def test_turning_it_off_and_on_repeats_no_period(alice, account, at, commits):
    summary = chosen(alice, account, weekly=True)
    make_request(account, MONDAY_BEFORE, cost=1)
    at(MONDAY + timedelta(days=1))
    assert len(commits()) == 1
    choices.choose(alice, account, {"weekly": False}, MONDAY)
    choices.choose(alice, account, {"weekly": True}, MONDAY - timedelta(days=3))
    assert commits() == []
    summary.refresh_from_db()
    assert (summary.is_on, summary.covered_until) == (True, MONDAY.date())


def test_a_failure_does_not_keep_others_from_their_email(alice, bob, account, at, commits, monkeypatch):
    for user in (alice, bob):
        chosen(user, account, weekly=True)
    make_request(account, MONDAY_BEFORE, cost=1)
    email_about = writing.email_about

    def fail_for_alice(summary, *rest):
        if summary.user == alice:
            raise RuntimeError
        return email_about(summary, *rest)

    at(MONDAY + timedelta(days=1))
    monkeypatch.setattr(writing, "email_about", fail_for_alice)
    with pytest.raises(JobFailed, match="not written"):
        commits()
    assert [email.to for email in mail.outbox] == [["bob@example.com"]]
    monkeypatch.setattr(writing, "email_about", email_about)
    assert [email.to for email in commits()] == [["alice@example.com"]]


def test_hostile_names_stay_on_their_line(alice, account, organisation, at, commits):
    organisation.name = "Acme\r\nBcc: charlie@example.com \u202eevil <script>"
    organisation.save()
    chosen(alice, account, weekly=True)
    make_request(account, MONDAY_BEFORE, model="a\n--\nhttps://evil.example/<b>", cost=1)
    at(MONDAY + timedelta(days=1))
    (email,) = commits()
    assert email.subject.startswith("Weekly summary of Acme Bcc: charlie@example.com evil <script>: ")
    assert "- a -- https://evil.example/<b>: $0.000000000001, 1 request\n" in email.body
    html = email.alternatives[0][0]
    assert "<script>" not in html and 'href="https://evil' not in html
    assert email.message().as_bytes()


def test_one_click_in_a_mail_program_ends_them(alice, account, at, commits, client):
    summary = chosen(alice, account, weekly=True)
    make_request(account, MONDAY_BEFORE, cost=1)
    at(MONDAY + timedelta(days=1))
    (email,) = commits()
    assert email.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = unsubscribing.url_of(summary)
    assert email.extra_headers["List-Unsubscribe"] == f"<{url}>"
    assert url in email.body
    assert client.post(url, {"List-Unsubscribe": "One-Click"}).status_code == 200
    summary.refresh_from_db()
    assert not summary.is_on


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_workers_at_once_store_one_email(alice, account, at):
    summary = chosen(alice, account, weekly=True)
    make_requests(account, [{"created_at": MONDAY_BEFORE, "cost": 1}])
    at(MONDAY + timedelta(days=1))
    results = all_at_once(*[writing.write_due] * 4)
    assert sorted(results) == [0, 0, 0, 1]
    assert len(mail.outbox) == 1
    summary.refresh_from_db()
    assert summary.covered_until == date(2026, 11, 16)


@pytest.mark.parametrize(
    "forge",
    [
        lambda token: token[:-1] + ("A" if token[-1] != "A" else "B"),
        lambda token: "1" + token,
        lambda token: token.partition(":")[0],
        lambda token: signing.Signer().sign(token.partition(":")[0]),
        lambda token: signing.dumps(int(token.partition(":")[0])),
        lambda token: unsubscribing._SIGNER.sign("x"),
        lambda token: unsubscribing._SIGNER.sign("999999"),
    ],
)
def test_only_a_token_of_ours_ends_them(client, alice, account, forge):
    summary = chosen(alice, account, weekly=True)
    forged = forge(unsubscribing.token_of(summary))
    assert client.get(f"/unsubscribe/{forged}").status_code == 404
    assert client.post(f"/unsubscribe/{forged}").status_code == 404
    summary.refresh_from_db()
    assert summary.is_on
