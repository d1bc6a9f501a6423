"""Verifying email addresses, and the free allowance for the first one."""

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts import access
from accounts.models import User
from billing import spending
from billing.models import LedgerEntry
from common.money import pico_from_cents
from tests.accounts.helpers import confirm, sign_up, verification_link

pytestmark = pytest.mark.django_db

ALLOWANCE = pico_from_cents(10)


def verify(client: Client, address: str):
    return client.post(verification_link(address))


def balance_of(email: str) -> int:
    return spending.account_of(access.open_personal_organisation(User.objects.get(email=email))).balance


def add_address(client: Client, address: str):
    cache.clear()  # resets the limit of one email in three minutes
    confirm(client)
    return client.post(reverse("account_email"), {"action_add": "", "email": address})


def manage(client: Client, action: str, address: str):
    confirm(client)
    return client.post(reverse("account_email"), {f"action_{action}": "", "email": address}, follow=True)


@pytest.fixture
def ada(client: Client) -> Client:
    """A new user with an unverified address."""
    sign_up(client, "ada@example.com")
    return client


def test_a_verified_address_gets_the_allowance(ada: Client):
    assert balance_of("ada@example.com") == 0
    response = verify(ada, "ada@example.com")
    assert response.url == reverse("home")
    assert balance_of("ada@example.com") == ALLOWANCE
    page = ada.get(reverse("home")).content.decode()
    assert "ada@example.com is verified" in page and "$0.10" in page


def test_viewing_the_link_verifies_nothing(ada: Client):
    # Email clients open links to scan for malware.
    page = ada.get(verification_link("ada@example.com")).content.decode()
    assert "Verify email" in page
    assert not EmailAddress.objects.get().verified
    assert balance_of("ada@example.com") == 0


def test_the_allowance_does_not_count_as_purchased(ada: Client):
    verify(ada, "ada@example.com")
    account = spending.account_of(access.open_personal_organisation(User.objects.get()))
    assert account.purchased == 0


def test_using_the_link_twice_gets_one_allowance(ada: Client):
    verify(ada, "ada@example.com")
    verify(ada, "ada@example.com")
    assert balance_of("ada@example.com") == ALLOWANCE


def test_a_second_address_gets_no_allowance(ada: Client):
    verify(ada, "ada@example.com")
    add_address(ada, "ada@second.example")
    verify(ada, "ada@second.example")
    assert EmailAddress.objects.get(email="ada@second.example").verified
    assert balance_of("ada@example.com") == ALLOWANCE


def test_changing_the_address_back_and_forth_gets_no_allowance(ada: Client):
    verify(ada, "ada@example.com")
    here, there = "ada@example.com", "ada@second.example"
    for _ in range(2):
        add_address(ada, there)
        verify(ada, there)
        manage(ada, "primary", there)
        manage(ada, "remove", here)
        assert User.objects.get().email == there
        here, there = there, here
    assert LedgerEntry.objects.filter(kind=LedgerEntry.Kind.GRANT).count() == 1
    assert balance_of(here) == ALLOWANCE


def test_an_address_moved_to_another_account_gets_no_allowance_there(ada: Client):
    verify(ada, "ada@example.com")
    add_address(ada, "ada@second.example")
    verify(ada, "ada@second.example")
    manage(ada, "primary", "ada@second.example")
    manage(ada, "remove", "ada@example.com")
    other = Client()
    cache.clear()
    sign_up(other, "ada@example.com")
    verify(other, "ada@example.com")
    assert balance_of("ada@example.com") == 0


def test_a_recreated_account_gets_no_allowance(ada: Client):
    verify(ada, "ada@example.com")
    User.objects.get().delete()
    again = Client()
    cache.clear()
    sign_up(again, "ada@example.com")
    verify(again, "ada@example.com")
    assert EmailAddress.objects.get().verified
    assert balance_of("ada@example.com") == 0


def test_an_invalid_link_leads_to_a_new_one(client: Client):
    page = client.get(reverse("account_confirm_email", args=["broken"])).content.decode()
    assert "This link no longer works" in page and reverse("account_email") in page


def test_only_one_account_can_verify_an_address(ada: Client):
    link = verification_link("ada@example.com")
    charlie = Client()
    cache.clear()
    sign_up(charlie, "charlie@example.com")
    add_address(charlie, "ada@example.com")
    verify(charlie, "charlie@example.com")
    ada.post(link)
    page = charlie.post(verification_link("ada@example.com"), follow=True).content.decode()
    assert EmailAddress.objects.filter(email="ada@example.com", verified=True).get().user.email == "ada@example.com"
    assert "Another account has already verified" in page or "no longer works" in page


def test_adding_a_taken_address_does_not_reveal_that_it_is_taken(alice_client: Client, charlie: User):
    taken = add_address(alice_client, "charlie@example.com")
    free = add_address(alice_client, "free@example.com")
    assert (taken.status_code, taken.url) == (free.status_code, free.url)


def test_the_primary_address_cannot_be_removed(ada: Client):
    page = manage(ada, "remove", "ada@example.com").content.decode()
    assert "Make another address primary first" in page
    assert EmailAddress.objects.filter(email="ada@example.com").exists()


def test_an_address_of_another_user_cannot_be_removed(alice_client: Client, charlie: User):
    manage(alice_client, "remove", "charlie@example.com")
    assert EmailAddress.objects.filter(email="charlie@example.com").exists()


def resend(client: Client, address: str, **more: str):
    return client.post(reverse("resend-verification"), {"email": address, **more})


def test_the_link_can_be_resent(ada: Client):
    mail.outbox.clear()
    cache.clear()
    response = resend(ada, "ada@example.com", next=reverse("account_email"))
    assert response.url == reverse("account_email")
    assert "Email sent to ada@example.com" in ada.get(response.url).content.decode()
    verify(ada, "ada@example.com")
    assert EmailAddress.objects.get().verified


def test_resending_too_soon_sends_nothing_and_says_so(ada: Client):
    mail.outbox.clear()
    resend(ada, "ada@example.com")
    assert mail.outbox == []
    assert "Wait three minutes" in ada.get(reverse("home")).content.decode()


def test_a_verified_address_gets_no_link(ada: Client):
    verify(ada, "ada@example.com")
    mail.outbox.clear()
    cache.clear()
    resend(ada, "ada@example.com")
    assert mail.outbox == []
    assert "is verified already" in ada.get(reverse("home")).content.decode()


def test_links_are_not_sent_to_other_users(ada: Client, charlie: User):
    mail.outbox.clear()
    assert resend(ada, "charlie@example.com").status_code == 404
    assert resend(ada, "unknown@example.com").status_code == 404
    assert mail.outbox == []


def test_anonymous_visitors_cannot_request_links(client: Client, charlie: User):
    assert resend(client, "charlie@example.com").url.startswith(reverse("account_login"))
    assert mail.outbox == []


def test_resending_does_not_redirect_to_another_site(ada: Client):
    assert resend(ada, "ada@example.com", next="https://evil.example/").url == reverse("home")


def test_resending_needs_a_post(ada: Client):
    assert ada.get(reverse("resend-verification")).status_code == 405


def test_with_two_factor_authentication_the_page_says_how_to_add_an_address(alice_client: Client, alice: User):
    path = reverse("account_email")
    assert "action_add" in alice_client.get(path).content.decode()
    Authenticator.objects.create(user=alice, type=Authenticator.Type.WEBAUTHN, data={})
    page = alice_client.get(path).content.decode()
    assert "action_add" not in page
    assert "Turn them off, add and verify the address, then turn them on again." in page
    assert f'href="{reverse("mfa_index")}"' in page
