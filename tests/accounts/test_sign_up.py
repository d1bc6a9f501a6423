"""Making an account."""

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts import access
from accounts.models import Membership, Organisation, User
from billing import spending

from .entrance import HOSTILE_TARGETS, PASSWORD, links_in, sign_up, text_of, verification_link

pytestmark = pytest.mark.django_db


def test_a_newcomer_is_signed_in_and_lands_on_the_start_page(client: Client):
    response = sign_up(client)
    assert (response.status_code, response.url) == (302, reverse("home"))
    page = client.get(response.url).content.decode()
    assert "Next steps" in page
    assert "ada@example.com" in page


def test_a_newcomer_gets_a_personal_organisation_and_runs_it(client: Client):
    sign_up(client)
    user = User.objects.get()
    organisation = Organisation.objects.get(personal_of=user)
    membership = Membership.objects.get(user=user)
    assert (membership.organisation, membership.role) == (organisation, Membership.Role.ADMIN)
    assert organisation.name == "ada"
    assert spending.account_of(organisation).balance == 0  # the allowance waits for the address to be verified


def test_the_welcome_message_names_the_site_the_allowance_and_a_link(client: Client, settings):
    settings.SITE_NAME = "Relay Station"
    settings.FREE_ALLOWANCE_CENTS = 25
    sign_up(client)
    [message] = mail.outbox
    assert message.to == ["ada@example.com"]
    assert message.subject == "Welcome to Relay Station: verify your email"
    assert "$0.25 in free credit" in message.body
    assert client.get(verification_link("ada@example.com")).status_code == 200


def test_a_site_without_an_allowance_promises_none(client: Client, settings):
    settings.FREE_ALLOWANCE_CENTS = 0
    assert "of credit" not in client.get(reverse("account_signup")).content.decode()
    sign_up(client)
    assert "of credit" not in mail.outbox[0].body


@pytest.mark.parametrize("password", ["short", "1234567890123", "qwertyuiop", "ada-example-com"])
def test_a_weak_password_is_refused_beside_its_field(client: Client, password: str):
    response = client.post(reverse("account_signup"), {"email": "ada@example.com", "password1": password})
    page = response.content.decode()
    assert User.objects.count() == 0
    assert 'id="id_password1_error"' in page
    assert 'aria-describedby="id_password1_helptext id_password1_error"' in page
    assert 'value="ada@example.com"' in page  # what was typed is kept; the password is not
    assert f'value="{password}"' not in page


def test_an_address_that_is_none_is_refused(client: Client):
    response = sign_up(client, email="ada at example")
    assert 'id="id_email_error"' in response.content.decode()
    assert User.objects.count() == 0


def test_a_taken_address_makes_no_second_account_whatever_its_case(client: Client, alice: User):
    sign_up(client, email="ALICE@example.com")
    assert User.objects.count() == 1
    assert "_auth_user_id" not in client.session


def test_a_site_that_verifies_first_does_not_tell_whether_an_address_is_taken(settings, alice: User):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    taken, free = Client(), Client()
    of_taken, of_free = sign_up(taken, email="alice@example.com"), sign_up(free, email="somebody@example.com")
    assert (of_taken.status_code, of_taken.url) == (of_free.status_code, of_free.url)
    pages = [text_of(client.get(of_taken.url)) for client in (taken, free)]
    assert pages[0].replace("alice@example.com", "?") == pages[1].replace("somebody@example.com", "?")
    to_alice = next(message for message in mail.outbox if message.to == ["alice@example.com"])
    assert to_alice.subject.startswith("You already have an account")
    assert reverse("account_login") in links_in(to_alice)


@pytest.mark.parametrize("target", HOSTILE_TARGETS)
def test_nobody_is_sent_to_another_site_after_signing_up(client: Client, target: str):
    assert sign_up(client, next=target).url == reverse("home")


def test_a_newcomer_returns_to_the_page_that_asked_for_an_account(client: Client):
    page = client.get(reverse("account_signup"), {"next": "/terms"}).content.decode()
    assert '<input type="hidden" name="next" value="/terms"' in page
    assert sign_up(client, next="/terms").url == "/terms"


def test_hostile_text_in_a_name_or_an_address_is_shown_as_text(client: Client):
    sign_up(client, email='"<script>alert(1)</script>"@example.com')
    user = User.objects.get()
    organisation = access.open_personal_organisation(user)
    organisation.name = "<img src=x onerror=alert(2)>"
    organisation.save()
    page = client.get(reverse("home")).content.decode() + client.get(reverse("account_email")).content.decode()
    assert "<script>alert" not in page and "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page and "&lt;img src=x" in page


def test_hostile_text_in_an_address_stays_text_in_a_notice(client: Client):
    sign_up(client, email='"<b>&lt;i&gt;"@example.com')
    assert "We emailed a link to" in (page := client.get(reverse("home")).content.decode())
    assert "<b>&lt;i" not in page and "<i>" not in page.partition('id="toasts"')[2]


def test_somebody_signed_in_is_not_asked_to_sign_up(alice_client: Client):
    assert alice_client.get(reverse("account_signup")).url == reverse("home")


def test_the_password_is_kept_as_a_hash_only(client: Client):
    sign_up(client)
    stored = User.objects.get().password
    assert PASSWORD not in stored and User.objects.get().check_password(PASSWORD)


def test_fields_tell_a_password_manager_what_they_are(client: Client):
    page = client.get(reverse("account_signup")).content.decode()
    assert 'autocomplete="email"' in page and 'autocomplete="new-password"' in page
