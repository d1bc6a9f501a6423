"""Signing in with GitHub and Google, against a stand-in that speaks OAuth over HTTP."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx
import pytest
from allauth.account.models import EmailAddress
from allauth.socialaccount.models import SocialAccount, SocialToken
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts import access
from accounts.models import User
from accounts.sign_in import social
from billing import spending
from common.money import pico_from_cents
from tests.accounts.helpers import add_app, confirm, totp, verification_link
from tests.conftest import PASSWORD, make_user

from .oauth_server import CLIENT_ID, SECRET, OAuthServer, oauth_server

pytestmark = pytest.mark.django_db

SIGNUP, CONNECTIONS = "/account/connected/signup/", "/account/connected/"
ADA = "ada@example.com"


@pytest.fixture(params=["github", "google"])
def elsewhere(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, settings) -> Iterator[OAuthServer]:
    """GitHub and Google, both configured."""
    settings.SOCIALACCOUNT_PROVIDERS = {
        name: options | {"APPS": [{"client_id": CLIENT_ID, "secret": SECRET}]}
        for name, options in settings.SOCIALACCOUNT_PROVIDERS.items()
    }
    with oauth_server() as server:
        addresses = {
            social.GitHubOAuth2Adapter: {
                "profile_url": "/github/api/v3/user", "emails_url": "/github/api/v3/user/emails"
            },
            social.GoogleAdapter: {"identity_url": "/google/userinfo"},
        }  # fmt: skip
        for adapter, paths in addresses.items():
            for name, path in {"authorize_url": "/authorize", "access_token_url": "/token", **paths}.items():
                monkeypatch.setattr(adapter, name, server.url + path)
        yield server


def callback_of(client: Client, elsewhere: str, query: str = "", **form: str) -> str:
    """Begin as a browser does, ask the other site, and return the address that it leads back to."""
    begun = client.post(f"/account/{elsewhere}/login/{query}", form)
    asked = httpx.get(begun["Location"], trust_env=False, timeout=60)
    parts = urlsplit(asked.headers["Location"])
    assert parts.path == f"/account/{elsewhere}/login/callback/"
    return f"{parts.path}?{parts.query}"


def enter(client: Client, elsewhere: str, query: str = "", **form: str):
    return client.get(callback_of(client, elsewhere, query, **form))


def is_in(client: Client) -> bool:
    return client.get("/settings/profile").status_code == 200


def text(response) -> str:
    return str(response.content.decode())


def balance_of(user: User) -> int:
    return spending.account_of(access.open_personal_organisation(user)).balance


def test_a_newcomer_confirms_gets_the_allowance_and_returns(client: Client, server: OAuthServer, elsewhere: str):
    assert enter(client, elsewhere, next="/settings/keys").url == SIGNUP
    page = text(client.get(SIGNUP))
    assert "you accept the" in page and ADA in page and "$0.10" in page
    assert not User.objects.exists()
    response = client.post(SIGNUP, {"email": "another@example.com"})  # a verified address is not the form's to change
    assert response.url == "/settings/keys" and is_in(client)
    user = User.objects.get()
    assert (user.email, user.name, user.has_usable_password()) == (ADA, "Ada Lovelace", False)
    assert list(EmailAddress.objects.values_list("email", "verified", "primary")) == [(ADA, True, True)]
    assert balance_of(user) == pico_from_cents(10)
    label = "ada-l" if elsewhere == "github" else ADA
    assert SocialAccount.objects.get().extra_data == {"label": label}  # and nothing else of the profile
    assert not SocialToken.objects.exists()
    again = Client()
    enter(again, elsewhere)
    assert is_in(again) and User.objects.count() == 1 and balance_of(user) == pico_from_cents(10)


def test_a_verified_address_does_not_open_the_account_that_has_it(client: Client, server: OAuthServer, elsewhere: str):
    user = make_user(ADA)
    response = enter(client, elsewhere)
    assert response.status_code == 409 and "You already have an account" in text(response)
    assert not is_in(client) and not SocialAccount.objects.exists()
    assert client.get(SIGNUP).status_code == 302  # nothing is left to confirm
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_an_unverified_address_is_verified_first_and_tells_no_account(client: Client, server: OAuthServer, settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    make_user("taken@example.com")
    answers = []
    for number, address in enumerate((ADA, "taken@example.com")):
        server.user_id, server.emails = number, [(address, False)]
        browser = Client()
        assert enter(browser, "github").url == SIGNUP
        assert browser.get(SIGNUP).context["form"].fields["email"].disabled is False
        response = browser.post(SIGNUP, {"email": address})
        answers.append((response.status_code, response.url))
        assert not is_in(browser)
    assert answers == [(302, reverse("account_email_verification_sent"))] * 2
    newcomer = User.objects.get(email=ADA)
    assert balance_of(newcomer) == 0
    assert not SocialAccount.objects.exclude(user=newcomer).exists()
    client.post(verification_link(ADA))
    assert balance_of(newcomer) == pico_from_cents(10)


def test_only_the_primary_address_is_taken(client: Client, server: OAuthServer):
    server.emails = [(ADA, True), ("ada@work.example", True), ("ada@old.example", False)]
    enter(client, "github")
    client.post(SIGNUP, {"email": ADA})
    assert [each.email for each in EmailAddress.objects.all()] == [ADA]


@pytest.mark.parametrize("name", ["A\u202eda\x00\x1b[31m " + "x" * 300, "", "<b>Ada</b>"])
def test_a_hostile_name_is_cut_down(client: Client, server: OAuthServer, name: str):
    server.name = name
    enter(client, "github")
    client.post(SIGNUP, {"email": ADA})
    kept = User.objects.get().name
    assert len(kept) <= 100 and kept.isprintable()
    assert "<b>" not in text(client.get("/settings/profile"))


def test_a_refused_consent_changes_nothing(client: Client, server: OAuthServer, elsewhere: str):
    server.consents = False
    response = client.get(callback_of(client, elsewhere), follow=True)
    assert "Sign-in canceled" in text(response)
    assert not is_in(client) and not User.objects.exists()


def test_a_state_of_another_browser_is_refused(client: Client, server: OAuthServer, elsewhere: str):
    callback = callback_of(client, elsewhere)
    stranger = Client()
    response = stranger.get(callback)
    assert response.status_code == 401 and "Couldn" in text(response)
    assert client.get(callback.replace("state=", "state=x")).status_code == 401
    assert not User.objects.exists() and server.codes  # the code was not even used


@pytest.mark.parametrize("fault", ["code", "away"])
def test_a_site_that_fails_is_said_so(client: Client, server: OAuthServer, monkeypatch, elsewhere: str, fault: str):
    callback = callback_of(client, elsewhere)
    if fault == "code":
        server.codes.clear()
    else:
        adapter = social.GitHubOAuth2Adapter if elsewhere == "github" else social.GoogleAdapter
        monkeypatch.setattr(adapter, "access_token_url", "http://127.0.0.1:9/token")
    assert client.get(callback).status_code == 401
    assert not User.objects.exists()


def test_a_connected_account_signs_in_with_the_second_factor_and_is_disconnected(server: OAuthServer, elsewhere: str):
    user, name = make_user("alice@example.com"), social.NAMES[elsewhere]
    here = Client()
    here.force_login(user)
    callback = callback_of(here, elsewhere, "?process=connect")
    assert here.get(callback).url.startswith(reverse("account_reauthenticate"))
    assert not SocialAccount.objects.exists()
    confirm(here, PASSWORD)
    assert SocialAccount.objects.get().user == user
    assert f"{name} account connected" in [message.subject for message in mail.outbox]
    assert f"{name}: {'ada-l' if elsewhere == 'github' else ADA}" in text(here.get(CONNECTIONS))
    assert name in text(here.get("/settings/security"))

    secret = add_app(user)
    phone = Client()
    assert enter(phone, elsewhere).url == reverse("mfa_authenticate")
    phone.post(reverse("mfa_authenticate"), {"code": totp(secret)})
    assert is_in(phone)

    here.post(CONNECTIONS, {"account": SocialAccount.objects.get().pk})
    assert not SocialAccount.objects.exists()
    assert f"{name} account disconnected" in [message.subject for message in mail.outbox]
    response = enter(Client(), elsewhere)
    assert response.url == SIGNUP


def test_the_only_way_in_and_anothers_account_cannot_be_disconnected(
    client: Client, alice_client: Client, server: OAuthServer
):
    enter(client, "github")
    client.post(SIGNUP, {"email": ADA})
    account = SocialAccount.objects.get()
    assert "Choose a password first" in text(client.post(CONNECTIONS, {"account": account.pk}))
    confirm(alice_client, PASSWORD)
    assert "Account not found" in text(alice_client.post(CONNECTIONS, {"account": account.pk}))
    assert "another account" in text(
        alice_client.get(callback_of(alice_client, "github", "?process=connect"), follow=True)
    )
    assert SocialAccount.objects.get().user.email == ADA


def test_sites_without_a_client_are_neither_shown_nor_reached(client: Client, alice_client: Client):
    for page in (client.get(reverse("account_login")), client.get(reverse("account_signup"))):
        assert "GitHub" not in text(page) and "Google" not in text(page)
    assert "Connected accounts" not in text(alice_client.get("/settings/security"))
    for path in ("github/login/", "github/login/callback/", "google/login/", "google/login/callback/"):
        assert client.get(f"/account/{path}").status_code == 404


def test_configured_sites_are_shown_and_begin_with_a_post(client: Client, server: OAuthServer, elsewhere: str):
    for name in ("account_login", "account_signup"):
        assert f'action="/account/{elsewhere}/login/"' in text(client.get(reverse(name)))
    page = client.get(f"/account/{elsewhere}/login/")
    assert page.status_code == 200 and "Continue with" in text(page)
