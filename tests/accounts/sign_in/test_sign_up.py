"""Sign-up."""

from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts import access
from accounts.models import Membership, Organisation, User
from billing import spending
from tests.accounts.helpers import (
    HOSTILE_TARGETS,
    PASSWORD,
    CountingHasher,
    links_in,
    sign_in,
    sign_up,
    text_of,
    verification_link,
)

from .test_password_reset import NEW, request_reset, reset_link, set_password

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


@pytest.mark.parametrize("length", [10, 12])
def test_the_page_says_how_long_a_password_must_be(client: Client, settings, length: int):
    name = "django.contrib.auth.password_validation.MinimumLengthValidator"
    settings.AUTH_PASSWORD_VALIDATORS = [{"NAME": name, "OPTIONS": {"min_length": length}}]
    assert f"At least {length} characters" in client.get(reverse("account_signup")).content.decode()
    password = "correct7horse"[:length]
    assert sign_up(client, password1=password[:-1]).status_code == 200 and User.objects.count() == 0
    assert sign_up(client, password1=password).status_code == 302


def test_an_invalid_address_is_refused(client: Client):
    response = sign_up(client, email="ada at example")
    assert 'id="id_email_error"' in response.content.decode()
    assert User.objects.count() == 0


def test_a_taken_address_is_refused_in_any_case(client: Client, alice: User):
    sign_up(client, email="ALICE@example.com")
    assert User.objects.count() == 1
    assert "_auth_user_id" not in client.session


# --- Where addresses are verified first: in production, and with a mail server ----------------------------

TAKEN, FREE = "alice@example.com", "new@example.com"


@pytest.fixture
def verified_first(settings) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"


def twins(act: Callable[[Client, str], Any]) -> tuple[list[Any], list[Any]]:
    """Do the same with an address that has an account and with one that has none; return both sequences of pages."""
    return act(Client(), TAKEN), act(Client(), FREE)


def told(response) -> tuple[int, str, str, list[str]]:
    """Return all that a visitor can tell from a response, without the address that they typed themselves."""
    page = text_of(response)
    cookies = sorted(response.cookies)
    for address in (TAKEN, FREE):
        page = page.replace(address, "?")
    return response.status_code, response.headers.get("Location", ""), page, cookies


@pytest.mark.parametrize("password", [PASSWORD, "short", "1234567890123"])
@pytest.mark.parametrize("spelling", [str, str.upper, " {} ".format])
def test_sign_up_answers_alike_for_a_taken_and_a_free_address(verified_first, alice: User, password, spelling):
    def act(client: Client, email: str) -> list:
        pages = [sign_up(client, spelling(email), password1=password)]
        pages += [client.get(reverse(name)) for name in ("account_email_verification_sent", "home", "account_login")]
        pages += [client.get(reverse("account_signup")), sign_up(client, spelling(email), password1=password)]
        return [told(page) for page in pages]

    taken, free = twins(act)
    assert taken == free
    assert taken[0][:2] == ((302, reverse("account_email_verification_sent")) if password == PASSWORD else (200, ""))


def test_signing_in_after_it_tells_nothing_either(verified_first, alice: User):
    def act(client: Client, email: str) -> list:
        sign_up(client, email)
        return [told(sign_in(browser, email, PASSWORD)) for browser in (client, Client()) for _ in range(7)]

    taken, free = twins(act)
    assert taken == free
    assert "Incorrect email or password" in taken[0][2] and "link that we emailed you" in taken[0][2]
    assert "Too many failed attempts" in taken[6][2]


def test_nor_does_the_time_it_takes(verified_first, alice: User, settings):
    settings.PASSWORD_HASHERS = ["tests.accounts.helpers.CountingHasher"]
    alice.set_password(PASSWORD)
    alice.save()
    for act in (sign_up, sign_in):
        CountingHasher.count = 0
        act(Client(), TAKEN)
        taken, CountingHasher.count = CountingHasher.count, 0
        act(Client(), FREE)
        assert taken == CountingHasher.count == 1


def test_the_owner_of_a_taken_address_is_told(verified_first, alice: User):
    sign_up(Client(), TAKEN)
    [message] = mail.outbox
    assert message.to == [TAKEN]
    assert message.subject.startswith("You already have an account")
    assert {reverse("account_login"), reverse("account_reset_password")} <= set(links_in(message))
    assert User.objects.count() == 1


def test_many_attempts_do_not_fill_the_owners_mailbox(verified_first, alice: User):
    for _ in range(5):
        sign_up(Client(), TAKEN)
    assert len(mail.outbox) == 1


def test_the_link_signs_in_the_browser_that_signed_up_and_no_other(verified_first, client: Client):
    sign_up(client, FREE)
    assert "_auth_user_id" not in client.session
    other = Client()
    assert other.post(verification_link(FREE)).url == reverse("account_login")
    assert "_auth_user_id" not in other.session
    sign_in(client, FREE, PASSWORD)
    assert client.session["_auth_user_id"] == str(User.objects.get().pk)


def test_the_newcomer_enters_with_the_link(verified_first, client: Client):
    sign_up(client, FREE)
    assert client.post(verification_link(FREE)).url == reverse("home")
    assert "is verified" in client.get(reverse("home")).content.decode()


def test_a_lost_link_is_replaced_by_resetting_the_password(verified_first, client: Client):
    sign_up(client, FREE)
    mail.outbox.clear()
    request_reset(Client(), FREE)
    set_password(Client(), reset_link())
    sign_in(client, FREE, NEW)
    assert client.session["_auth_user_id"] == str(User.objects.get().pk)


def test_a_reset_verifies_no_other_address(verified_first, client: Client, alice: User):
    alice.emailaddress_set.create(email="second@example.com", verified=False)
    request_reset(client, TAKEN)
    set_password(client, reset_link())
    assert not alice.emailaddress_set.get(email="second@example.com").verified


def test_an_operator_made_on_the_command_line_signs_in_without_a_link(verified_first, client: Client):
    User.objects.create_superuser("Operator@example.com", PASSWORD)
    assert sign_in(client, "operator@example.com", PASSWORD).url == reverse("home")


# --- After signing up -----------------------------------------------------------------------------


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
