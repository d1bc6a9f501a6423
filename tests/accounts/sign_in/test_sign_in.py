"""Sign-in and sign-out."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from tests.accounts.helpers import HOSTILE_TARGETS, add_app, recovery_codes, sign_in, text_of, totp
from tests.conftest import PASSWORD

pytestmark = pytest.mark.django_db


def signed_in_as(client: Client) -> str | None:
    return client.session.get("_auth_user_id")


def test_the_address_is_case_insensitive(client: Client, alice: User):
    response = sign_in(client, "Alice@Example.COM", PASSWORD)
    assert (response.status_code, response.url) == (302, reverse("home"))
    assert signed_in_as(client) == str(alice.pk)


def test_a_wrong_password_and_an_unknown_address_give_the_same_page(alice: User):
    wrong = sign_in(Client(), "alice@example.com", "not the password")
    unknown = sign_in(Client(), "unknown@example.com", "not the password")
    assert wrong.status_code == unknown.status_code == 200
    assert text_of(wrong) == text_of(unknown)
    assert 'role="alert"' in text_of(wrong)
    assert "not the password" not in text_of(wrong)


def test_too_many_attempts_block_the_right_password_too(client: Client, alice: User):
    for _ in range(5):
        sign_in(client, "alice@example.com", "a guess")
    response = sign_in(client, "alice@example.com", PASSWORD)
    assert signed_in_as(client) is None
    assert "Too many" in response.content.decode()


def test_the_session_id_changes_at_sign_in(client: Client, alice: User):
    session = client.session
    session["before"] = True
    session.save()
    before = session.session_key or ""
    client.cookies["sessionid"] = before
    sign_in(client, "alice@example.com", PASSWORD)
    assert client.session.session_key != before


@pytest.mark.parametrize("target", HOSTILE_TARGETS)
def test_sign_in_does_not_redirect_to_another_site(client: Client, alice: User, target: str):
    assert sign_in(client, "alice@example.com", PASSWORD, next=target).url == reverse("home")


@pytest.mark.parametrize("target", HOSTILE_TARGETS)
def test_sign_out_does_not_redirect_to_another_site(alice_client: Client, target: str):
    assert alice_client.post(reverse("account_logout"), {"next": target}).url == reverse("home")


def test_the_form_does_not_carry_a_hostile_target(client: Client):
    page = client.get(reverse("account_login"), {"next": 'javascript:"><script>alert(1)</script>'}).content.decode()
    assert "<script>alert" not in page


def test_sign_in_returns_to_the_requested_page(client: Client, alice: User):
    response = client.get(reverse("account_email"))
    assert response.url == f"{reverse('account_login')}?next={reverse('account_email')}"
    assert sign_in(client, "alice@example.com", PASSWORD, next=reverse("account_email")).url == reverse("account_email")


@pytest.mark.parametrize("code", [lambda user, secret: totp(secret), lambda user, secret: recovery_codes(user)[0]])
def test_sign_in_with_a_second_factor_returns_to_the_same_chat(client: Client, alice: User, code):
    secret = add_app(alice)
    response = sign_in(client, "alice@example.com", PASSWORD, next="/chat#abc")
    assert response.url == reverse("mfa_authenticate")
    assert client.post(response.url, {"code": code(alice, secret)}).url == "/chat#abc"


def test_sign_out_needs_a_post(alice_client: Client):
    page = alice_client.get(reverse("account_logout"))
    assert page.status_code == 200 and signed_in_as(alice_client)
    assert alice_client.post(reverse("account_logout")).url == reverse("home")
    assert signed_in_as(alice_client) is None


def test_a_deactivated_account_says_so(client: Client, alice: User):
    alice.is_active = False
    alice.save()
    response = sign_in(client, "alice@example.com", PASSWORD)
    assert signed_in_as(client) is None
    assert "This account is deactivated" in client.get(response.url).content.decode()


def test_a_missing_csrf_token_shows_a_page_with_the_remedy(alice: User):
    client = Client(enforce_csrf_checks=True)
    response = sign_in(client, "alice@example.com", PASSWORD)
    assert response.status_code == 403
    assert "reload the page" in response.content.decode()
    assert signed_in_as(client) is None


def test_a_signed_in_user_is_redirected(alice_client: Client):
    assert alice_client.get(reverse("account_login")).url == reverse("home")


def test_changing_the_password_signs_other_devices_out(alice: User, alice_client: Client):
    elsewhere = Client()
    elsewhere.force_login(alice)
    new = {"oldpassword": PASSWORD, "password1": "another long passphrase", "password2": "another long passphrase"}
    assert alice_client.post(reverse("account_change_password"), new).status_code == 302
    assert alice_client.get(reverse("account_email")).status_code == 200
    assert elsewhere.get(reverse("account_email")).status_code == 302


def test_changing_the_password_needs_the_current_one(alice: User, alice_client: Client):
    new = {"oldpassword": "a guess", "password1": "another long passphrase", "password2": "another long passphrase"}
    response = alice_client.post(reverse("account_change_password"), new)
    assert 'id="id_oldpassword_error"' in response.content.decode()
    alice.refresh_from_db()
    assert alice.check_password(PASSWORD)
