"""Open sessions: which there are, on what, since when; how they are ended; and the emails about it."""

import pytest
from allauth.usersessions.models import UserSession
from celery import current_app
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import User
from accounts.sessions import devices
from billing.notifications import outbox
from tests.accounts.helpers import confirm, sign_in
from tests.conftest import PASSWORD

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("prompt_worker")]

SESSIONS = "/settings/security/sessions"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Mobile/15E148 Safari/604.1"
)


def browser(user_agent: str = FIREFOX, address: str = "192.0.2.1") -> Client:
    return Client(HTTP_USER_AGENT=user_agent, REMOTE_ADDR=address)


def entered(*args: str) -> Client:
    client = browser(*args)
    assert sign_in(client, "alice@example.com", PASSWORD).status_code == 302
    return client


def is_in(client: Client) -> bool:
    return client.get("/settings/profile").status_code == 200


@pytest.mark.parametrize(
    ("user_agent", "device"),
    [
        (FIREFOX, "Firefox on Linux"),
        (IPHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/142.0 Safari/537.36 Edg/142.0", "Edge on Windows"),
        ("Mozilla/5.0 (Linux; Android 16) Chrome/142.0 Mobile Safari/537.36", "Chrome on Android"),
        ("curl/8.10.1", "Unknown device"),
        ("<script>alert(1)</script>", "Unknown device"),
        ("", "Unknown device"),
    ],
)  # fmt: skip
def test_a_device_is_named_as_far_as_its_user_agent_says(user_agent: str, device: str):
    assert devices.describe(user_agent) == device


def test_sessions_are_listed_in_the_users_zone_and_the_current_one_is_marked(alice: User, clock):
    alice.time_zone = "Asia/Kathmandu"
    alice.save()
    here = entered()
    elsewhere = entered(IPHONE, "203.0.113.7")
    clock.advance(hours=1)
    assert is_in(elsewhere)
    page = here.get(SESSIONS).content.decode()
    assert page.index("Firefox on Linux") < page.index("This browser") < page.index("Safari on iPhone")
    assert "203.0.113.7" in page and "UTC+05:45" in page
    row = UserSession.objects.get(ip="203.0.113.7")
    assert (row.last_seen_at - row.created_at).total_seconds() >= 3000


def test_a_session_is_recorded_once_in_five_minutes(alice_client: Client, clock):
    alice_client.get(SESSIONS)
    before = UserSession.objects.get().last_seen_at
    clock.advance(minutes=4)
    alice_client.get(SESSIONS)
    assert UserSession.objects.get().last_seen_at == before
    clock.advance(minutes=1)
    alice_client.get(SESSIONS)
    assert UserSession.objects.get().last_seen_at > before


def test_one_session_is_ended_and_its_owner_is_told(alice: User):
    here, phone, third = entered(), entered(IPHONE, "203.0.113.7"), entered()
    mail.outbox.clear()
    row = UserSession.objects.get(ip="203.0.113.7")
    assert here.post(f"{SESSIONS}/{row.pk}/end").url == SESSIONS
    assert [is_in(client) for client in (here, phone, third)] == [True, False, True]
    [message] = mail.outbox
    assert message.to == ["alice@example.com"]
    assert "Safari on iPhone (203.0.113.7)" in message.body and "Firefox on Linux" in message.body
    assert here.post(f"{SESSIONS}/{row.pk}/end").status_code == 404


def test_all_other_sessions_are_ended_at_once(alice: User, charlie: User):
    here, phone, third = entered(), entered(IPHONE), entered()
    stranger = browser()
    sign_in(stranger, "charlie@example.com", PASSWORD)
    mail.outbox.clear()
    here.post(f"{SESSIONS}/end-others")
    assert [is_in(client) for client in (here, phone, third, stranger)] == [True, False, False, True]
    assert [message.subject for message in mail.outbox] == ["Signed out on 2 devices"]
    here.post(f"{SESSIONS}/end-others")
    assert len(mail.outbox) == 1


def test_neither_anothers_session_nor_the_current_one_can_be_ended(alice: User, charlie_client: Client):
    here = entered()
    row = UserSession.objects.get()
    assert charlie_client.post(f"{SESSIONS}/{row.pk}/end").status_code == 404
    assert here.post(f"{SESSIONS}/{row.pk}/end").status_code == 404
    assert here.get(f"{SESSIONS}/{row.pk}/end").status_code == 405
    assert is_in(here)


def test_a_session_that_another_password_has_closed_is_not_listed(alice: User):
    here = entered()
    entered(IPHONE)
    new = {"oldpassword": PASSWORD, "password1": "another long passphrase", "password2": "another long passphrase"}
    here.post(reverse("account_change_password"), new)
    page = here.get(SESSIONS).content.decode()
    assert "Firefox on Linux" in page and "Safari on iPhone" not in page


def test_a_sign_in_with_a_new_browser_is_reported_once(alice: User):
    here = entered()
    outbox.deliver_due()
    [message] = mail.outbox
    assert message.subject.startswith("New sign-in") and message.to == ["alice@example.com"]
    assert "Firefox on Linux" in message.body and SESSIONS in message.body
    here.post(reverse("account_logout"))
    sign_in(here, "alice@example.com", PASSWORD)
    outbox.deliver_due()
    assert len(mail.outbox) == 1
    other = browser()
    other.cookies["known-browser"] = here.cookies["known-browser"].value + "x"
    sign_in(other, "alice@example.com", PASSWORD)
    outbox.deliver_due()
    assert len(mail.outbox) == 2


def test_reports_of_new_browsers_end_with_one_click(alice: User, client: Client):
    entered()
    outbox.deliver_due()
    [message] = mail.outbox
    assert message.extra_headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    url = message.extra_headers["List-Unsubscribe"].strip("<>")
    assert client.post(url, {"List-Unsubscribe": "One-Click"}).status_code == 200
    entered(IPHONE)
    outbox.deliver_due()
    assert len(mail.outbox) == 1


def test_a_broker_that_is_down_keeps_no_one_out(
    alice: User, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks
):
    def down(*args: object, **options: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(current_app, "send_task", down)
    with django_capture_on_commit_callbacks(execute=True):
        assert is_in(entered())
    outbox.deliver_due()
    assert len(mail.outbox) == 1


def test_changes_of_addresses_ask_for_the_password_and_are_told_to_old_and_new(alice: User):
    here = entered()
    mail.outbox.clear()
    add = {"action_add": "", "email": "second@example.com"}
    assert here.post(reverse("account_email"), add).url.startswith(reverse("account_reauthenticate"))
    assert not alice.emailaddress_set.filter(email="second@example.com").exists()
    confirm(here, PASSWORD)
    here.post(reverse("account_email"), add)
    told = {(message.subject, *message.to) for message in mail.outbox}
    assert ("An email address was added", "alice@example.com") in told
    alice.emailaddress_set.filter(email="second@example.com").update(verified=True)
    mail.outbox.clear()
    here.post(reverse("account_email"), {"action_primary": "", "email": "second@example.com"})
    here.post(reverse("account_email"), {"action_remove": "", "email": "alice@example.com"})
    assert [tuple(message.to) for message in mail.outbox] == [
        ("alice@example.com",), ("alice@example.com",), ("second@example.com",)
    ]  # fmt: skip


def test_an_operator_ends_a_session_without_seeing_its_key(alice: User):
    here = entered()
    row = UserSession.objects.get()
    desk = Client()
    desk.force_login(User.objects.create_superuser("operator@example.com", PASSWORD))
    mail.outbox.clear()
    listed = "/admin/usersessions/usersession/"
    for path in (f"{listed}?q=alice@example.com", f"{listed}{row.pk}/change/"):
        page = desk.get(path, follow=True).content.decode()
        assert "Firefox on Linux" in page and row.session_key not in page
    desk.post(listed, {"action": "end", "_selected_action": [row.pk]})
    assert not is_in(here)
    [message] = mail.outbox
    assert message.to == ["alice@example.com"] and "An operator" in message.body
