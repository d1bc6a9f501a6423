"""The reader of pages and emails: their zone and format, looked up only where a moment is written."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core import mail
from django.http import HttpResponse

from accounts import tasks
from accounts.models import Membership, User
from accounts.reader import ReaderOfPages, reading
from billing import spending
from billing.models import ExpiringCredits, Notice
from billing.notifications import emails
from common.display import moments
from common.display.moments import Reader


def test_every_date_format_of_a_user_has_an_order():
    assert set(User.DateFormat.values) == set(moments.DATE_ORDERS)


def test_a_page_without_a_moment_does_not_ask_for_the_user(rf):
    request = rf.get("/")  # which has none
    assert ReaderOfPages(lambda request: HttpResponse("ok"))(request).content == b"ok"


@pytest.mark.parametrize(
    ("user", "reader"),
    [
        (AnonymousUser(), Reader()),
        (User(time_zone="Asia/Kolkata", date_format="iso"), Reader(ZoneInfo("Asia/Kolkata"), "iso")),
        (User(time_zone="../../etc/passwd", date_format="<b>"), Reader(UTC, "day")),
    ],
)
def test_a_page_is_written_for_its_user(rf, user, reader):
    request = rf.get("/")
    request.user = user
    seen = []
    ReaderOfPages(lambda request: seen.append(moments.current_reader()) or HttpResponse())(request)
    assert seen == [reader]
    assert moments.current_reader() == Reader()


def test_each_admin_gets_the_email_in_their_own_zone(alice, bob, organisation):
    Membership.objects.filter(user=bob, organisation=organisation).update(role=Membership.Role.ADMIN)
    User.objects.filter(pk=alice.pk).update(time_zone="Asia/Kolkata")
    User.objects.filter(pk=bob.pk).update(time_zone="America/New_York", date_format="month")
    at = datetime(2026, 7, 1, 20, 0, tzinfo=UTC)
    emails.credits_expire(spending.account_of(organisation), [ExpiringCredits(10**12, at, at)])
    subjects = dict(Notice.objects.values_list("user__email", "subject"))
    assert subjects == {
        "alice@example.com": "Your credits expire on 2 Jul 2026",
        "bob@example.com": "Your credits expire on Jul 1, 2026",
    }
    assert "expire on 2 Jul 2026" in Notice.objects.get(user=alice).body
    assert "bought on Jul 1, 2026" in Notice.objects.get(user=bob).body


def test_a_notice_about_failed_sign_ins_names_the_zone(alice, monkeypatch):
    User.objects.filter(pk=alice.pk).update(time_zone="Asia/Kolkata")
    monkeypatch.setattr(tasks.timezone, "now", lambda: datetime(2026, 7, 1, 20, 0, tzinfo=UTC))
    tasks.report_failed_attempts(alice.email, "password", 5, "203.0.113.9")
    assert "When: 2 Jul 2026, 01:30 IST" in mail.outbox[0].body


def test_an_email_to_an_address_without_a_user_is_in_utc():
    with reading(User(time_zone="Asia/Tokyo")), reading(None):
        assert moments.current_reader() == Reader()
