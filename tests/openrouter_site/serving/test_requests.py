"""Links lead to SITE_URL, whatever Host a request names; HEAD is answered like GET."""

import re

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from accounts.models import User
from billing.models import Purchase
from tests.billing.conftest import form
from tests.billing.stripe_sandbox import sandbox  # noqa: F401 a fixture
from tests.openrouter_site.pages.test_site import MEMBERS, PUBLIC

pytestmark = pytest.mark.django_db

SITE, OTHER = "https://gateway.example.com", "elsewhere.example.org"


@pytest.fixture
def two_hosts(settings) -> str:
    """The site serves two hosts. SITE_URL is the first; requests name the second."""
    settings.SITE_URL = SITE
    settings.ALLOWED_HOSTS = ["gateway.example.com", OTHER]
    return OTHER


def post(client: Client, name: str, host: str, **data: str):
    response = client.post(reverse(name), data, headers={"Host": host})
    assert response.status_code == 302, response.content
    return response


def links() -> list[str]:
    """The links of all emails so far, without their paths. None leads to the other host."""
    assert mail.outbox
    for message in mail.outbox:
        parts = [message.body, *(str(part) for part, _ in getattr(message, "alternatives", []))]
        assert not any(OTHER in part for part in parts), message.subject
    return re.findall(r"https?://[^/\s\"<]+", "".join(str(message.body) for message in mail.outbox))


@pytest.mark.parametrize("email", ["ada@example.com", "alice@example.com"])
def test_emails_after_sign_up_link_to_the_site(client: Client, alice: User, two_hosts: str, email: str, settings):
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"  # so that the owner of a taken address is emailed
    post(client, "account_signup", two_hosts, email=email, password1="a long enough passphrase")
    assert set(links()) == {SITE}


@pytest.mark.parametrize("email", ["unknown@example.com", "alice@example.com"])
def test_emails_after_asking_for_another_password_link_to_the_site(
    client: Client, alice: User, two_hosts: str, email: str
):
    post(client, "account_reset_password", two_hosts, email=email)
    assert set(links()) == {SITE}


def test_an_address_that_is_added_gets_a_link_to_the_site(alice_client: Client, two_hosts: str):
    response = alice_client.post(
        reverse("account_email"), {"action_add": "", "email": "second@example.com"}, headers={"Host": two_hosts}
    )
    if response.url.startswith(reverse("account_reauthenticate")):
        post(alice_client, "account_reauthenticate", two_hosts, password="correct horse battery")
        alice_client.post(
            reverse("account_email"), {"action_add": "", "email": "second@example.com"}, headers={"Host": two_hosts}
        )
    assert set(links()) == {SITE}


def test_the_payment_page_returns_to_the_site(alice_client: Client, account, sandbox, two_hosts: str):  # noqa: F811
    page = alice_client.get("/settings/credits", headers={"Host": two_hosts}).content.decode()
    alice_client.post("/settings/credits/buy", form(page), headers={"Host": two_hosts})
    session = sandbox.session(Purchase.objects.get())
    assert session["success_url"].startswith(f"{SITE}/settings/credits/return?")
    assert session["cancel_url"].startswith(f"{SITE}/settings/credits/purchases/")


def test_the_page_that_saves_a_card_returns_to_the_site(alice_client: Client, account, sandbox, two_hosts: str):  # noqa: F811
    url = alice_client.post("/settings/credits/cards/add", headers={"Host": two_hosts}).url
    session = sandbox.get(f"/v1/checkout/sessions/{url.rsplit('/', 1)[1]}")
    assert {session["success_url"].split("/settings")[0], session["cancel_url"].split("/settings")[0]} == {SITE}


def test_a_host_that_the_site_does_not_serve_is_refused(client: Client, two_hosts: str):
    assert client.get("/", headers={"Host": two_hosts}).status_code == 200
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400


def body(response) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


@pytest.mark.parametrize("path", [*PUBLIC, "/api/v1/models", "/feed.xml"])
def test_head_is_answered_like_get(client: Client, path: str):
    got, head = client.get(path), client.head(path)
    assert (head.status_code, body(head)) == (got.status_code, b"")
    assert head["Content-Type"] == got["Content-Type"]


@pytest.mark.parametrize("path", [*MEMBERS, "/settings/credits/transactions.csv"])
def test_members_pages_answer_head(alice_client: Client, account, path: str):
    got, head = alice_client.get(path), alice_client.head(path)
    assert (head.status_code, body(head)) == (got.status_code, b"")


def test_the_size_of_a_page_is_told(client: Client):
    assert int(client.head("/terms")["Content-Length"]) == len(client.get("/terms").content)


def test_a_page_that_only_takes_posts_refuses_head(alice_client: Client):
    assert alice_client.head("/settings/credits/buy").status_code == 405
