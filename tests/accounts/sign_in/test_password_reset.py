"""Resetting a password by email."""

from datetime import timedelta

import pytest
from allauth.account import app_settings
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.accounts.helpers import links_in, sign_in, text_of
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db

NEW = "another long passphrase"


def request_reset(client: Client, email: str):
    return client.post(reverse("account_reset_password"), {"email": email})


def set_password(client: Client, link: str, password: str = NEW, again: str | None = None):
    form = client.get(link, follow=True)
    assert form.status_code == 200, form
    return client.post(form.wsgi_request.path, {"password1": password, "password2": again or password}, follow=True)


def reset_link() -> str:
    return next(link for link in links_in(mail.outbox[-1]) if "/password/reset/key/" in link)


def test_the_link_changes_the_password(client: Client, alice: User):
    request_reset(client, "alice@example.com")
    [message] = mail.outbox
    assert message.to == ["alice@example.com"]
    page = set_password(client, reset_link()).content.decode()
    assert "Use your new password" in page
    assert sign_in(Client(), "alice@example.com", NEW).status_code == 302
    assert sign_in(Client(), "alice@example.com", PASSWORD).status_code == 200


def test_a_change_is_reported_by_email(client: Client, alice: User, settings):
    settings.ACCOUNT_EMAIL_NOTIFICATIONS = True
    request_reset(client, "alice@example.com")
    set_password(client, reset_link())
    notice = mail.outbox[-1]
    assert notice.subject == "Your password was changed" and "If this wasn't you" in notice.body


def test_the_page_does_not_reveal_whether_an_address_has_an_account(alice: User):
    known, unknown = Client(), Client()
    responses = [request_reset(known, "alice@example.com"), request_reset(unknown, "unknown@example.com")]
    assert responses[0].status_code == responses[1].status_code == 302
    assert responses[0].url == responses[1].url
    assert text_of(known.get(responses[0].url)) == text_of(unknown.get(responses[1].url))


def test_an_address_without_an_account_gets_an_email_without_a_reset_link(client: Client, alice: User):
    request_reset(client, "unknown@example.com")
    [message] = mail.outbox
    assert message.to == ["unknown@example.com"]
    assert message.subject.startswith("No account with this address")
    assert not [link for link in links_in(message) if "reset/key" in link]


def test_the_link_works_once(client: Client, alice: User):
    request_reset(client, "alice@example.com")
    link = reset_link()
    set_password(client, link)
    page = Client().get(link, follow=True).content.decode()
    assert "This link no longer works" in page
    assert reverse("account_reset_password") in page  # the remedy


def test_an_older_link_stops_when_the_password_changes(client: Client, alice: User):
    request_reset(client, "alice@example.com")
    link = reset_link()
    alice.set_password(NEW)
    alice.save()
    assert "This link no longer works" in Client().get(link, follow=True).content.decode()


def test_a_link_cannot_be_changed_to_another_user(client: Client, alice: User, charlie: User):
    request_reset(client, "charlie@example.com")
    key = reset_link().split("/key/")[1].split("-", 1)[1].strip("/")
    request_reset(client, "alice@example.com")
    user_id = reset_link().split("/key/")[1].split("-", 1)[0]
    forged = reverse("account_reset_password_from_key", kwargs={"uidb36": user_id, "key": key})
    assert "This link no longer works" in Client().get(forged, follow=True).content.decode()


def test_other_devices_are_signed_out(client: Client, alice: User, alice_client: Client):
    assert alice_client.get(reverse("account_email")).status_code == 200
    request_reset(client, "alice@example.com")
    set_password(client, reset_link())
    assert alice_client.get(reverse("account_email")).status_code == 302


@pytest.mark.parametrize(("password", "again"), [("short", "short"), (NEW, "something else entirely")])
def test_a_weak_or_mistyped_password_is_refused(client: Client, alice: User, password: str, again: str):
    request_reset(client, "alice@example.com")
    page = set_password(client, reset_link(), password, again).content.decode()
    assert "_error" in page and 'aria-invalid="true"' in page
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_a_deactivated_account_gets_no_link(client: Client, alice: User):
    alice.is_active = False
    alice.save()
    request_reset(client, "alice@example.com")
    assert not [link for message in mail.outbox for link in links_in(message) if "reset/key" in link]


@pytest.mark.parametrize(("days", "words"), [(1, "one day"), (2, "two days")])
def test_the_email_and_the_page_of_an_old_link_say_how_long_it_works(client, alice, settings, days, words):
    settings.EMAIL_LINK_DAYS = days
    request_reset(client, "alice@example.com")
    assert f"expires in {words}." in mail.outbox[-1].body.replace("\n", " ")
    settings.PASSWORD_RESET_TIMEOUT = -1
    assert f"is older than {words}," in client.get(reset_link(), follow=True).content.decode()


def test_links_in_emails_work_as_long_as_the_texts_say(settings):
    lasts = timedelta(days=settings.EMAIL_LINK_DAYS)
    assert timedelta(days=app_settings.EMAIL_CONFIRMATION_EXPIRE_DAYS) == lasts
    assert timedelta(seconds=settings.PASSWORD_RESET_TIMEOUT) == lasts
