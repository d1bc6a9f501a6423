"""Choosing a new password by e-mail."""

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.conftest import PASSWORD

from .entrance import links_in, sign_in, text_of

pytestmark = pytest.mark.django_db

NEW = "another long passphrase"


def ask(client: Client, email: str):
    return client.post(reverse("account_reset_password"), {"email": email})


def choose(client: Client, link: str, password: str = NEW, again: str | None = None):
    form = client.get(link, follow=True)
    assert form.status_code == 200, form
    return client.post(form.wsgi_request.path, {"password1": password, "password2": again or password}, follow=True)


def reset_link() -> str:
    return next(link for link in links_in(mail.outbox[-1]) if "/password/reset/key/" in link)


def test_the_link_in_the_message_changes_the_password(client: Client, alice: User):
    ask(client, "alice@example.com")
    [message] = mail.outbox
    assert message.to == ["alice@example.com"]
    page = choose(client, reset_link()).content.decode()
    assert "Use your new password" in page
    assert sign_in(Client(), "alice@example.com", NEW).status_code == 302
    assert sign_in(Client(), "alice@example.com", PASSWORD).status_code == 200


def test_the_owner_is_told_about_the_change(client: Client, alice: User, settings):
    settings.ACCOUNT_EMAIL_NOTIFICATIONS = True
    ask(client, "alice@example.com")
    choose(client, reset_link())
    notice = mail.outbox[-1]
    assert notice.subject == "Your password was changed" and "If this wasn't you" in notice.body


def test_nobody_learns_whether_an_address_has_an_account(alice: User):
    known, unknown = Client(), Client()
    answers = [ask(known, "alice@example.com"), ask(unknown, "nobody@example.com")]
    assert answers[0].status_code == answers[1].status_code == 302
    assert answers[0].url == answers[1].url
    assert text_of(known.get(answers[0].url)) == text_of(unknown.get(answers[1].url))


def test_an_address_without_an_account_gets_a_message_without_a_reset_link(client: Client, alice: User):
    ask(client, "nobody@example.com")
    [message] = mail.outbox
    assert message.to == ["nobody@example.com"]
    assert message.subject.startswith("No account with this address")
    assert not [link for link in links_in(message) if "reset/key" in link]


def test_the_link_works_once(client: Client, alice: User):
    ask(client, "alice@example.com")
    link = reset_link()
    choose(client, link)
    page = Client().get(link, follow=True).content.decode()
    assert "This link no longer works" in page
    assert reverse("account_reset_password") in page  # the remedy


def test_an_older_link_stops_when_the_password_changes(client: Client, alice: User):
    ask(client, "alice@example.com")
    link = reset_link()
    alice.set_password(NEW)
    alice.save()
    assert "This link no longer works" in Client().get(link, follow=True).content.decode()


def test_a_link_for_somebody_else_cannot_be_made_from_ones_own(client: Client, alice: User, charlie: User):
    ask(client, "charlie@example.com")
    key = reset_link().split("/key/")[1].split("-", 1)[1].strip("/")
    ask(client, "alice@example.com")
    who = reset_link().split("/key/")[1].split("-", 1)[0]
    forged = reverse("account_reset_password_from_key", kwargs={"uidb36": who, "key": key})
    assert "This link no longer works" in Client().get(forged, follow=True).content.decode()


def test_other_devices_are_signed_out(client: Client, alice: User, alice_client: Client):
    assert alice_client.get(reverse("account_email")).status_code == 200
    ask(client, "alice@example.com")
    choose(client, reset_link())
    assert alice_client.get(reverse("account_email")).status_code == 302


@pytest.mark.parametrize(("password", "again"), [("short", "short"), (NEW, "something else entirely")])
def test_a_weak_or_mistyped_password_is_refused(client: Client, alice: User, password: str, again: str):
    ask(client, "alice@example.com")
    page = choose(client, reset_link(), password, again).content.decode()
    assert "_error" in page and 'aria-invalid="true"' in page
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)


def test_a_switched_off_account_gets_no_link(client: Client, alice: User):
    alice.is_active = False
    alice.save()
    ask(client, "alice@example.com")
    assert not [link for message in mail.outbox for link in links_in(message) if "reset/key" in link]
