"""Sign-up."""

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts import access
from accounts.models import Membership, Organisation, User
from billing import spending

from .helpers import HOSTILE_TARGETS, PASSWORD, links_in, sign_up, text_of, verification_link

pytestmark = pytest.mark.django_db


def test_a_new_user_is_signed_in_and_sees_the_home_page(client: Client):
    response = sign_up(client)
    assert (response.status_code, response.url) == (302, reverse("home"))
    page = client.get(response.url).content.decode()
    assert "Next steps" in page
    assert "ada@example.com" in page


def test_a_new_user_is_admin_of_a_personal_organization(client: Client):
    sign_up(client)
    user = User.objects.get()
    organisation = Organisation.objects.get(personal_of=user)
    membership = Membership.objects.get(user=user)
    assert (membership.organisation, membership.role) == (organisation, Membership.Role.ADMIN)
    assert organisation.name == "ada"
    assert spending.account_of(organisation).balance == 0  # the allowance needs a verified address


def test_the_welcome_email_has_the_site_name_the_allowance_and_a_link(client: Client, settings):
    settings.SITE_NAME = "Relay Station"
    settings.FREE_ALLOWANCE_CENTS = 25
    sign_up(client)
    [message] = mail.outbox
    assert message.to == ["ada@example.com"]
    assert message.subject == "Welcome to Relay Station: verify your email"
    assert "$0.25 in free credit" in message.body
    assert client.get(verification_link("ada@example.com")).status_code == 200


def test_without_an_allowance_the_email_mentions_none(client: Client, settings):
    settings.FREE_ALLOWANCE_CENTS = 0
    assert "of credit" not in client.get(reverse("account_signup")).content.decode()
    sign_up(client)
    assert "of credit" not in mail.outbox[0].body


@pytest.mark.parametrize("password", ["short", "1234567890123", "qwertyuiop", "ada-example-com"])
def test_a_weak_password_shows_an_error_at_its_field(client: Client, password: str):
    response = client.post(reverse("account_signup"), {"email": "ada@example.com", "password1": password})
    page = response.content.decode()
    assert User.objects.count() == 0
    assert 'id="id_password1_error"' in page
    assert 'aria-describedby="id_password1_helptext id_password1_error"' in page
    assert 'value="ada@example.com"' in page  # the form keeps the input except the password
    assert f'value="{password}"' not in page


def test_an_invalid_address_is_refused(client: Client):
    response = sign_up(client, email="ada at example")
    assert 'id="id_email_error"' in response.content.decode()
    assert User.objects.count() == 0


def test_a_taken_address_is_refused_in_any_case(client: Client, alice: User):
    sign_up(client, email="ALICE@example.com")
    assert User.objects.count() == 1
    assert "_auth_user_id" not in client.session


def test_with_mandatory_verification_sign_up_does_not_reveal_taken_addresses(settings, alice: User):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    taken, free = Client(), Client()
    of_taken, of_free = sign_up(taken, email="alice@example.com"), sign_up(free, email="new@example.com")
    assert (of_taken.status_code, of_taken.url) == (of_free.status_code, of_free.url)
    pages = [text_of(client.get(of_taken.url)) for client in (taken, free)]
    assert pages[0].replace("alice@example.com", "?") == pages[1].replace("new@example.com", "?")
    to_alice = next(message for message in mail.outbox if message.to == ["alice@example.com"])
    assert to_alice.subject.startswith("You already have an account")
    assert reverse("account_login") in links_in(to_alice)


@pytest.mark.parametrize("target", HOSTILE_TARGETS)
def test_sign_up_does_not_redirect_to_another_site(client: Client, target: str):
    assert sign_up(client, next=target).url == reverse("home")


def test_sign_up_returns_to_the_requested_page(client: Client):
    page = client.get(reverse("account_signup"), {"next": "/terms"}).content.decode()
    assert '<input type="hidden" name="next" value="/terms"' in page
    assert sign_up(client, next="/terms").url == "/terms"


def test_markup_in_a_name_or_address_is_escaped(client: Client):
    sign_up(client, email='"<script>alert(1)</script>"@example.com')
    user = User.objects.get()
    organisation = access.open_personal_organisation(user)
    organisation.name = "<img src=x onerror=alert(2)>"
    organisation.save()
    page = client.get(reverse("home")).content.decode() + client.get(reverse("account_email")).content.decode()
    assert "<script>alert" not in page and "<img src=x" not in page
    assert "&lt;script&gt;alert(1)" in page and "&lt;img src=x" in page


def test_markup_in_an_address_is_escaped_in_messages(client: Client):
    sign_up(client, email='"<b>&lt;i&gt;"@example.com')
    assert "We emailed a link to" in (page := client.get(reverse("home")).content.decode())
    assert "<b>&lt;i" not in page and "<i>" not in page.partition('id="toasts"')[2]


def test_a_signed_in_user_is_redirected(alice_client: Client):
    assert alice_client.get(reverse("account_signup")).url == reverse("home")


def test_only_a_hash_of_the_password_is_stored(client: Client):
    sign_up(client)
    stored = User.objects.get().password
    assert PASSWORD not in stored and User.objects.get().check_password(PASSWORD)


def test_fields_have_autocomplete_hints(client: Client):
    page = client.get(reverse("account_signup")).content.decode()
    assert 'autocomplete="email"' in page and 'autocomplete="new-password"' in page
